// What libudev reports of some subsystems. Floor 5; DeviceMonitor and VFIOMonitor call it, on one
// thread at a time: the daemon's control thread, or a program's own. It never waits and takes no
// lock. Events come after udev has named and permitted the node; without udev they come from the
// kernel.
import CUdev
import DeviceIdentity
import Glibc

/// One event of a device.
struct UdevMessage: Equatable {
  let subsystem: String
  /// `add`, `remove`, `bind` and others.
  let action: String
  /// The device's name: `uio0`, `0000:01:00.0`.
  let name: String
}

@safe final class UdevMonitor: @unchecked Sendable {
  private let udev: OpaquePointer
  private let monitor: OpaquePointer

  /// - Throws: `resourcesExhausted`.
  init(_ subsystems: [String]) throws(UIOError) {
    let source = unsafe access("/run/udev/control", F_OK) == 0 ? "udev" : "kernel"
    guard let udev = unsafe udev_new() else { throw Self.failure("create a udev context") }
    guard let monitor = unsafe udev_monitor_new_from_netlink(udev, source) else {
      unsafe udev_unref(udev)
      throw Self.failure("watch for devices")
    }
    unsafe self.udev = unsafe udev
    unsafe self.monitor = unsafe monitor
    for subsystem in subsystems {
      unsafe udev_monitor_filter_add_match_subsystem_devtype(monitor, subsystem, nil)
    }
    unsafe udev_monitor_set_receive_buffer_size(monitor, 1 << 20)
    unsafe udev_monitor_enable_receiving(monitor)
  }

  deinit {
    unsafe udev_monitor_unref(monitor)
    unsafe udev_unref(udev)
  }

  /// Becomes readable when there is something to receive.
  var descriptor: Int32 { unsafe udev_monitor_get_fd(monitor) }

  /// Hands everything that came since the last call to `take`, in order; nil: messages were lost (ENOBUFS).
  func receive(_ take: (UdevMessage?) -> Void) {
    while true {
      errno = 0
      guard let device = unsafe udev_monitor_receive_device(monitor) else {
        if errno == ENOBUFS { take(nil) }
        return
      }
      defer { unsafe udev_device_unref(device) }
      guard let name = unsafe udev_device_get_sysname(device),
        let action = unsafe udev_device_get_action(device),
        let subsystem = unsafe udev_device_get_subsystem(device)
      else { continue }
      unsafe take(
        UdevMessage(
          subsystem: String(cString: subsystem), action: String(cString: action),
          name: String(cString: name)))
    }
  }

  private static func failure(_ operation: String) -> UIOError {
    UIOError(
      .resourcesExhausted, device: "libudev", operation: operation,
      cause: "cannot create a context",
      hint: UIOOperation.limitHint, errno: errno)
  }
}
