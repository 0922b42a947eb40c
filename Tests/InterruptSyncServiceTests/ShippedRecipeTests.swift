// The device files in Examples/recipes whose devices QEMU lacks, each run on memory instead of the
// device's registers: when it claims, and what it writes, as the data sheet has it. The others are
// serviced in guests (Tests/Hardware/GuestSuite/RecipeTests.swift).
import FoundationEssentials
import Testing
import UIO

@testable import InterruptSyncService

private let folder =
  "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/Examples/recipes"

/// Those that guests run with the real device.
private let inGuests: Set = [
  "edu", "16550-pci-1", "16550-pci-2", "16550-pci-4", "hpet", "ac97", "intel-hda",
]

/// A routine of a file on registers that are memory.
struct ShippedRecipe: Sendable, CustomTestStringConvertible {
  let file: String
  let routine: String
  /// The register that tells of an interrupt: its offset, a value without one, and one with.
  let status: (offset: Int, quiet: UInt32, pending: UInt32)
  /// What is in these registers afterwards, by offset.
  let written: [Int: UInt32]

  var testDescription: String { "\(file), \(routine)" }
}

private let recipes = [
  ShippedRecipe(
    file: "axi-gpio", routine: "inputs", status: (0x120, 0, 0x3), written: [0x120: 0x3]),
  // The control bits stay; the memory keeps what a write of T0INT clears.
  ShippedRecipe(
    file: "axi-timer", routine: "timer-0", status: (0x00, 0xd2, 0x1d2), written: [0x00: 0x1d2]),
  ShippedRecipe(
    file: "axi-timer", routine: "timer-1", status: (0x10, 0xd2, 0x1d2), written: [0x10: 0x1d2]),
  ShippedRecipe(
    file: "axi-intc", routine: "inputs", status: (0x04, 0, 0x8000_0001),
    written: [0x0c: 0x8000_0001]),
  // Of the status only the three events are written.
  ShippedRecipe(
    file: "axi-dma", routine: "mm2s", status: (0x04, 0x0001_0002, 0x0001_5002),
    written: [0x04: 0x5000]),
  ShippedRecipe(
    file: "axi-dma", routine: "s2mm", status: (0x34, 0x0001_0002, 0x0001_2002),
    written: [0x34: 0x2000]),
  ShippedRecipe(
    file: "altera-pio", routine: "inputs", status: (0xc, 0, 0x5), written: [0xc: 0x5]),
  ShippedRecipe(
    file: "altera-timer", routine: "timer", status: (0x00, 0x2, 0x3), written: [0x00: 0]),
  // Another event of the same controller is not this file's.
  ShippedRecipe(
    file: "pruss-evt0", routine: "pru-0", status: (0x20280, 1 << 20, 1 << 19 | 1 << 20),
    written: [0x20280: 1 << 19, 0x20034: 2]),
  ShippedRecipe(
    file: "pruss-evt1", routine: "pru-1", status: (0x20280, 1 << 19, 1 << 19 | 1 << 20),
    written: [0x20280: 1 << 20, 0x20034: 3]),
]

private func routines(_ file: String) throws -> [RoutineSettings] {
  let text = try Data(contentsOf: URL(filePath: "\(folder)/\(file).device"))
  return try device(String(decoding: text, as: UTF8.self)).routines
}

@Test(arguments: recipes)
func shippedRecipeClaimsAndWritesWhatItsDataSheetSays(shipped: ShippedRecipe) throws {
  let settings = try #require(try routines(shipped.file).first { $0.name == shipped.routine })
  guard case .recipe(let recipe) = settings.action else {
    Issue.record("the routine is no recipe")
    return
  }
  #expect(!recipe.acknowledgements.isEmpty)
  let board = try Board(pages: 0x21)
  let routine = try RecipeRoutine(recipe, in: DeviceRegions(board.device))
  let before = shipped.written.keys.filter { $0 != shipped.status.offset }

  try board.registers.write32(shipped.status.quiet, at: shipped.status.offset)
  #expect(routine.service() == .unsuccessful)
  #expect(try board.registers.read32(at: shipped.status.offset) == shipped.status.quiet)
  for offset in before { #expect(try board.registers.read32(at: offset) == 0) }

  try board.registers.write32(shipped.status.pending, at: shipped.status.offset)
  #expect(routine.service() == .success)
  for (offset, value) in shipped.written {
    #expect(try board.registers.read32(at: offset) == value, "at \(offset)")
  }
}

@Test func everyShippedRecipeIsRunSomewhere() throws {
  let names = try FileManager.default.contentsOfDirectory(atPath: folder)
  #expect(!names.isEmpty && names.allSatisfy { $0.hasSuffix(".device") }, "\(names)")
  let files = Set(names.map { String($0.dropLast(".device".count)) })
  #expect(files == inGuests.union(recipes.map(\.file)))
  // Every routine of those on memory is in the table.
  for file in files.subtracting(inGuests) {
    let tried = recipes.filter { $0.file == file }.map(\.routine)
    #expect(try routines(file).map(\.name) == tried)
  }
}
