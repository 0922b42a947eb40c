// Whether a device is still there. Mappings outlive their device: after an unbind, registers still
// read as if nothing had happened (fact 29), so RegisterRegion asks this gate in every access.
// Floor 2. UIODevice and VFIODevice make one; lines, a bus error and the thread `vfio notices` shut
// it. Any thread and level, also with the interrupt lock held: one load and the clock, a system
// call every 10 ms; no lock is taken.
import CUIO
import Synchronization

/// Whether a device is still there. Closed permanently by the first thread to notice the removal;
/// until then the gate asks the device's owner, at most a hundred times a second, so that an access
/// after removal is silent for 10 ms at most. A bus error of the device's memory closes it as well.
@safe package final class LivenessGate: @unchecked Sendable {
  /// Up: shut. In C's memory, as a signal handler raises it (bus_error.c).
  let flag: UnsafeMutablePointer<UInt32>
  private let lastCheck: Atomic<UInt64>
  private let interval: UInt64
  private let isAlive: @Sendable () -> Bool

  /// - Parameters:
  ///   - nanoseconds: how long an answer of the kernel is believed.
  ///   - isAlive: asks the kernel about the device; any thread and level calls it.
  package init(for nanoseconds: UInt64 = 10_000_000, isAlive: @escaping @Sendable () -> Bool) {
    self.isAlive = isAlive
    unsafe flag = .allocate(capacity: 1)
    unsafe flag.initialize(to: 0)
    interval = linux_nanoseconds_to_ticks(nanoseconds)
    lastCheck = Atomic(linux_ticks())
  }

  /// For registers without a device: never asks, never closes.
  private init() {
    isAlive = { true }
    unsafe flag = .allocate(capacity: 1)
    unsafe flag.initialize(to: 0)
    interval = .max
    lastCheck = Atomic(0)
  }

  deinit { unsafe flag.deallocate() }

  static let alwaysOpen = LivenessGate()

  /// Cheap: one load, and a system call when the last one is 10 ms ago.
  @inline(__always)
  package var isOpen: Bool {
    if isShut { return false }
    if linux_ticks() &- lastCheck.load(ordering: .relaxed) < interval { return true }
    return probe()
  }

  /// Asks the kernel now.
  @inline(never)
  package func probe() -> Bool {
    if isShut { return false }
    lastCheck.store(linux_ticks(), ordering: .relaxed)
    let isAlive = isAlive()
    if !isAlive { shut() }
    return isAlive
  }

  package func shut() { unsafe cuio_flag_raise(flag) }

  /// Runs `body`, in which the device does not answer. Accesses meanwhile are `removed`.
  package func whileShut<R>(_ body: () -> R) -> R {
    shut()
    let result = body()
    unsafe cuio_flag_lower(flag)
    _ = probe()
    return result
  }

  /// Whether a thread has found the device gone. One load.
  @inline(__always)
  package var isShut: Bool { unsafe cuio_flag_is_up(flag) }
}
