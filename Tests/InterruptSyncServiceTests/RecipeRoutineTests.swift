// A recipe that runs on a file instead of a device's registers.
import CUIO
import InterruptSync
import Testing
import UIO

@testable import InterruptSyncService

private func recipe(_ claim: String?, _ captures: [String], _ writes: [String]) throws -> Recipe {
  let captures = try captures.map { try Recipe.Capture($0) }
  return try Recipe(
    claim: try claim.map { try RegisterReference($0) }, captures: captures,
    acknowledgements: try writes.map {
      try Recipe.Acknowledgement($0, captures: captures.map(\.name))
    })
}

private func captured(_ routine: RecipeRoutine) -> [UInt64] {
  [routine.captured[0], routine.captured[1]]
}

@Test func recipeCapturesBeforeItAcknowledges() throws {
  let board = try Board()
  let recipe = try recipe(
    "map0:0/32&0xf0", ["status=map0:4/16&0xff", "count=map0:8/64"],
    ["map0:4/16=0", "map0:0x10/32=status", "map0:0x14/32=claimed", "map0:0x18/64=count"])
  let routine = try RecipeRoutine(recipe, in: DeviceRegions(board.device))
  try board.registers.write16(0x1234, at: 4)
  try board.registers.write64(0x0123_4567_89ab_cdef, at: 8)

  try board.registers.write32(0x0f, at: 0)
  #expect(routine.service() == .unsuccessful)
  #expect(captured(routine) == [0, 0])
  #expect(try board.registers.read16(at: 4) == 0x1234)

  try board.registers.write32(0x3f, at: 0)
  #expect(routine.service() == .success)
  #expect(captured(routine) == [0x34, 0x0123_4567_89ab_cdef])
  #expect(try board.registers.read16(at: 4) == 0)
  #expect(try board.registers.read32(at: 0x10) == 0x34)
  #expect(try board.registers.read32(at: 0x14) == 0x30)
  #expect(try board.registers.read64(at: 0x18) == 0x0123_4567_89ab_cdef)
}

@Test func recipeThatCapturesOutsideItsRegionIsRefused() throws {
  let board = try Board()
  let recipe = try recipe(nil, ["x=map0:0x10000000/32"], [])
  let error = try #require(throws: UIOError.self) {
    _ = try RecipeRoutine(recipe, in: DeviceRegions(board.device))
  }
  #expect(error.code == .outOfBounds)
}

@Test func recipeThatWritesBackWhatItDoesNotCaptureIsRefused() throws {
  let write = try Recipe.Acknowledgement("bar0:0=x", captures: ["x"])
  let error = try #require(throws: UIOError.self) {
    _ = try Recipe(claim: nil, acknowledgements: [write])
  }
  #expect(error.cause.contains("not captured"))
  let capture = try Recipe.Capture("x=bar0:0")
  #expect(throws: UIOError.self) {
    _ = try Recipe(claim: nil, captures: [capture, capture], acknowledgements: [])
  }
}
