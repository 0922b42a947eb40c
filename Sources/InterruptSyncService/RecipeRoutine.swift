// A recipe bound to an open device: a service routine that needs no code of the user's.
import InterruptSync
import UIO

/// Runs a recipe as a service routine. Keep it as long as it is registered.
@safe final class RecipeRoutine: @unchecked Sendable {
  private struct Step {
    let region: RegisterRegion
    let offset: Int
    let width: Int
    let mask: UInt64
    let value: Source
  }

  /// What a step writes.
  private enum Source {
    case constant(UInt64)
    case claimed
    /// By its place among the captures.
    case captured(Int)
  }

  private let claim: Step?
  private let captures: [Step]
  private let acknowledgements: [Step]
  /// What the captures read at the last interrupt that was claimed; as many as they are.
  private(set) var captured: [UInt64]

  /// Opens the regions and checks that every register lies in its own.
  /// - Throws: what opening a region throws, `outOfBounds`.
  init(_ recipe: Recipe, on device: UIODevice) throws(UIOError) {
    var regions: [RegisterReference.Region: RegisterRegion] = [:]
    func step(_ register: RegisterReference, _ value: Source) throws(UIOError) -> Step {
      let region: RegisterRegion
      if let known = regions[register.region] {
        region = known
      } else {
        region = try Self.open(register.region, device)
        regions[register.region] = region
      }
      guard register.offset <= region.size - register.width / 8 else {
        throw UIOError(
          .outOfBounds, device: region.name, operation: "prepare the recipe",
          cause: "\(register) leaves the \(region.size) bytes of the region")
      }
      return Step(
        region: region, offset: register.offset, width: register.width, mask: register.mask,
        value: value)
    }
    if let register = recipe.claim { claim = try step(register, .claimed) } else { claim = nil }
    var reads: [Step] = []
    for capture in recipe.captures { reads.append(try step(capture.register, .claimed)) }
    captures = reads
    captured = [UInt64](repeating: 0, count: reads.count)
    var writes: [Step] = []
    for acknowledgement in recipe.acknowledgements {
      let source: Source =
        switch acknowledgement.value {
        case .constant(let value): .constant(value)
        case .claimed: .claimed
        // A recipe is only made with names that it captures.
        case .captured(let name): .captured(recipe.captures.firstIndex { $0.name == name } ?? 0)
        }
      writes.append(try step(acknowledgement.register, source))
    }
    acknowledgements = writes
  }

  private static func open(_ region: RegisterReference.Region, _ device: UIODevice) throws(UIOError)
    -> RegisterRegion
  {
    switch region {
    case .bar(let number): try device.region(bar: number)
    case .map(let number): try device.region(map: number)
    }
  }

  /// The service routine: claims when the register says so, captures, then acknowledges. A device
  /// that has gone claims nothing.
  func service() -> NTStatus {
    do throws(UIOError) {
      var claimed: UInt64 = 0
      if let claim {
        claimed = try Self.read(claim) & claim.mask
        if claimed == 0 { return .unsuccessful }
      }
      for index in captures.indices {
        captured[index] = try Self.read(captures[index]) & captures[index].mask
      }
      for step in acknowledgements {
        switch step.value {
        case .claimed: try Self.write(step, claimed)
        case .captured(let index): try Self.write(step, captured[index])
        case .constant(let value): try Self.write(step, value)
        }
      }
      return .success
    } catch { return .unsuccessful }
  }

  private static func read(_ step: Step) throws(UIOError) -> UInt64 {
    switch step.width {
    case 8: UInt64(try step.region.read8(at: step.offset))
    case 16: UInt64(try step.region.read16(at: step.offset))
    case 32: UInt64(try step.region.read32(at: step.offset))
    default: try step.region.read64(at: step.offset)
    }
  }

  private static func write(_ step: Step, _ value: UInt64) throws(UIOError) {
    switch step.width {
    case 8: try step.region.write8(UInt8(truncatingIfNeeded: value), at: step.offset)
    case 16: try step.region.write16(UInt16(truncatingIfNeeded: value), at: step.offset)
    case 32: try step.region.write32(UInt32(truncatingIfNeeded: value), at: step.offset)
    default: try step.region.write64(value, at: step.offset)
    }
  }
}
