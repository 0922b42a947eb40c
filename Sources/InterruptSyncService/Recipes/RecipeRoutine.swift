// Recipes room. A recipe bound to an open device: a service routine without code of the user's.
// ManagedDevice+Service makes and registers it on the control thread, without a lock. A dispatch
// calls `service` on the dispatcher's thread at DIRQL under the interrupt lock, where it must not
// allocate.
import InterruptSync
import UIO

/// Runs a recipe as a service routine. Keep it for as long as it is registered.
@safe final class RecipeRoutine: @unchecked Sendable {
  private struct Write {
    let register: BoundRegister
    let value: Source
  }

  /// What a write writes.
  private enum Source {
    case constant(UInt64)
    case claimed
    /// By its index among the captures.
    case captured(Int)
  }

  private let claim: BoundRegister?
  private let captures: [BoundRegister]
  private let acknowledgements: [Write]
  /// What the captures read at the last interrupt that was claimed, in their order. Read it under the
  /// object's lock.
  let captured: UnsafeMutablePointer<UInt64>

  /// Opens the regions and checks that every register lies in its region.
  /// - Throws: what opening a region throws, `outOfBounds`, `misaligned`.
  init(_ recipe: Recipe, in regions: DeviceRegions) throws(UIOError) {
    func bind(_ register: RegisterReference) throws(UIOError) -> BoundRegister {
      try BoundRegister(register, in: regions.region(register.region))
    }
    if let register = recipe.claim { claim = try bind(register) } else { claim = nil }
    var reads: [BoundRegister] = []
    for capture in recipe.captures { reads.append(try bind(capture.register)) }
    captures = reads
    var writes: [Write] = []
    for acknowledgement in recipe.acknowledgements {
      let source: Source =
        switch acknowledgement.value {
        case .constant(let value): .constant(value)
        case .claimed: .claimed
        // A recipe is only made with names that it captures.
        case .captured(let name): .captured(recipe.captures.firstIndex { $0.name == name } ?? 0)
        }
      writes.append(Write(register: try bind(acknowledgement.register), value: source))
    }
    acknowledgements = writes
    unsafe captured = .allocate(capacity: max(reads.count, 1))
    unsafe captured.initialize(repeating: 0, count: max(reads.count, 1))
  }

  deinit { unsafe captured.deallocate() }

  /// The service routine: claims if the register says so, captures, then acknowledges. A device that
  /// was removed claims nothing.
  func service() -> NTStatus {
    do throws(UIOError) {
      var claimed: UInt64 = 0
      if let claim {
        claimed = try claim.read() & claim.mask
        if claimed == 0 { return .unsuccessful }
      }
      for index in captures.indices {
        unsafe captured[index] = try captures[index].read() & captures[index].mask
      }
      for write in acknowledgements {
        switch write.value {
        case .claimed: try write.register.write(claimed)
        case .captured(let index): try unsafe write.register.write(captured[index])
        case .constant(let value): try write.register.write(value)
        }
      }
      return .success
    } catch { return .unsuccessful }
  }
}
