// Mappings outlive their device: after an unbind, registers still read as if nothing had happened
// (fact 29). Every register access therefore asks this gate first.
import CUIO
import Glibc
import Synchronization

/// Whether a device is still there. Shut once and for good by whoever notices the removal;
/// otherwise the gate asks the kernel by itself, at most a hundred times a second, so that an
/// access after removal is silent for 10 ms at most.
package final class LivenessGate: Sendable {
  private let isShut = Atomic<Bool>(false)
  private let lastCheck: Atomic<UInt64>
  private let interval: UInt64
  private let device: FileDescriptor
  private let hasInterrupt: Bool

  /// - Parameters:
  ///   - hasInterrupt: a device without one is always in error for poll(2) (fact 21) and is asked
  ///     otherwise.
  ///   - nanoseconds: how long an answer of the kernel is believed.
  package init(device: FileDescriptor, hasInterrupt: Bool, for nanoseconds: UInt64 = 10_000_000) {
    self.device = device
    self.hasInterrupt = hasInterrupt
    interval = cuio_nanoseconds_to_ticks(nanoseconds)
    lastCheck = Atomic(cuio_ticks())
  }

  /// For registers without a device behind them: never asks, never shuts.
  private init() {
    device = FileDescriptor(adopting: -1)
    hasInterrupt = true
    interval = .max
    lastCheck = Atomic(0)
  }

  static let alwaysOpen = LivenessGate()

  /// Cheap: one load, and a system call when the last one is 10 ms ago.
  @inline(__always)
  package var isOpen: Bool {
    if isShut.load(ordering: .relaxed) { return false }
    if cuio_ticks() &- lastCheck.load(ordering: .relaxed) < interval { return true }
    return probe()
  }

  /// Asks the kernel now.
  @inline(never)
  package func probe() -> Bool {
    if isShut.load(ordering: .relaxed) { return false }
    lastCheck.store(cuio_ticks(), ordering: .relaxed)
    let isAlive = hasInterrupt ? !Self.isDead(device.raw) : Self.answersWithoutInterrupt(device)
    if !isAlive { shut() }
    return isAlive
  }

  package func shut() { isShut.store(true, ordering: .relaxed) }

  package static func isDead(_ fd: Int32) -> Bool {
    let result = cuio_wait(fd, -1, 0, true)
    return result > 0 && result & Int32(CUIO_WAIT_DEAD) != 0
  }

  // irqcontrol is looked at only after the device and its interrupt: torn down EINVAL, no interrupt
  // EIO (fact 16).
  package static func answersWithoutInterrupt(_ device: FileDescriptor) -> Bool {
    device.irqControl(0) == -EIO
  }
}
