// A device object's link up to the framework's device.
import InterruptSync
import LinuxSystem

final class FrameworkAttachment: @unchecked Sendable {
  private let monitor = Monitor()
  private var attached: FrameworkDevice?
  private var isClaimed = false

  var device: FrameworkDevice? { monitor.locked { attached } }

  /// False when a driver has the device, or is being offered it.
  func claim() -> Bool {
    monitor.locked {
      defer { isClaimed = true }
      return !isClaimed
    }
  }

  func attach(_ device: FrameworkDevice) { monitor.locked { attached = device } }

  func release() {
    monitor.locked {
      attached = nil
      isClaimed = false
    }
  }
}
