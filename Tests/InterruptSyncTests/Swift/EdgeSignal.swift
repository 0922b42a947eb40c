import InterruptSync
import LinuxSystem

/// A count that tests wait for.
final class EdgeSignal: @unchecked Sendable {
  private let monitor = Monitor()
  private var count = 0

  func raise() {
    monitor.locked {
      count += 1
      monitor.broadcast()
    }
  }

  /// Waits until it was raised `times` times altogether.
  func wait(_ times: Int = 1) {
    monitor.locked { monitor.wait { count < times } }
  }

  var value: Int { monitor.locked { count } }
}

/// Waits until `object` has dispatched `count` times; the dispatcher needs no help from the tests.
func awaitDispatches(_ count: UInt64, of object: InterruptSyncObject) {
  while object.dispatchCount < count {}
}
