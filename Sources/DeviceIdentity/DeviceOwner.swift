// Which process may use an open device. Floor 2; UIODevice, VFIODevice and GPIOChip hold one and
// ask it in every call that reaches the device, on any thread without a lock. At any level in the
// process that opened it, as GPIOLine.value() asks in a routine; the first call in a child may wait
// for the parent's end.
import Synchronization

/// The process that a device belongs to: the one that opened it, or a child that took it over.
package struct DeviceOwner: ~Copyable, Sendable {
  private let generation = Atomic<UInt32>(ProcessOwner().generation)

  package init() {}

  /// The check of every call that reaches a device: a forked child has the descriptors of its parent
  /// and would mask, re-arm and read the parent's device. Once the parent has ended, as after
  /// daemon(3), the device is the child's.
  /// - Returns: whether this call took it over.
  /// - Throws: `otherProcess`.
  package func requireCurrent(
    _ operation: String, of device: @autoclosure () -> String
  ) throws(DeviceError) -> Bool {
    let owner = ProcessOwner(generation: generation.load(ordering: .relaxed))
    if owner.isCurrent { return false }
    guard owner.hasEnded else {
      throw DeviceError(
        .otherProcess, device: device(), operation: operation, cause: owner.cause,
        hint: ProcessOwner.hint)
    }
    generation.store(ProcessOwner().generation, ordering: .relaxed)
    return true
  }
}
