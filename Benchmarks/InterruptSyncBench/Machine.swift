import CFloor
import Glibc

/// Where the measured threads run and where the signals come from.
struct Machine {
  /// The processor of the serving thread.
  let processor: Int
  /// The processor of the signalling thread: another one, if there is one.
  let driver: Int
  let isRealtimePermitted: Bool

  /// Real-time priorities: the callers, the hog, and the server. All below the 50 of the
  /// kernel's interrupt threads (fact 53).
  static let (low, driving, middle, serving): (Int32, Int32, Int32, Int32) = (10, 20, 30, 40)

  init(processor: Int) {
    self.processor = processor
    driver = processor == 0 && sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? 1 : 0
    isRealtimePermitted = placement_apply(placement(priority: 1, processor: -1)) == 0
    _ = placement_apply(placement(priority: 0, processor: -1))
  }

  /// Puts the calling thread where signals come from.
  func drive(_ isRealtime: Bool) {
    _ = placement_apply(
      placement(priority: isRealtime ? Self.driving : 0, processor: Int32(driver)))
  }

  /// A pause in which real-time threads leave the processors to others, so that the kernel does not
  /// throttle them (950 ms of each second).
  static func breathe() { usleep(40_000) }
}
