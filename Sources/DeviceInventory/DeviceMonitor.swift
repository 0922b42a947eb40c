// Devices that come and go, through libudev. Floor 5; one thread at a time, the daemon's control thread
// or a program's own; never waits.
import CUdev
public import DeviceIdentity
import Glibc

/// Watches for UIO devices. One thread at a time may use it.
///
/// Make it first and list devices then (`UIODeviceInfo.all`): a device that comes in between is seen
/// twice rather than never.
@safe public final class DeviceMonitor: @unchecked Sendable {
  private let udev: OpaquePointer
  private let monitor: OpaquePointer
  private let sysfs: Sysfs
  /// The devices reported as present, for catching up after lost messages.
  private var known: [Int: UIODeviceInfo]

  /// - Throws: `resourcesExhausted`.
  public init(sysfs: Sysfs = .system) throws(UIOError) {
    // Events come after udev has named and permitted the node; without udev they come from the
    // kernel.
    let source = unsafe access("/run/udev/control", F_OK) == 0 ? "udev" : "kernel"
    guard let udev = unsafe udev_new() else { throw Self.failure("create a udev context") }
    guard let monitor = unsafe udev_monitor_new_from_netlink(udev, source) else {
      unsafe udev_unref(udev)
      throw Self.failure("watch for devices")
    }
    unsafe self.udev = unsafe udev
    unsafe self.monitor = unsafe monitor
    self.sysfs = sysfs
    unsafe udev_monitor_filter_add_match_subsystem_devtype(monitor, "uio", nil)
    unsafe udev_monitor_set_receive_buffer_size(monitor, 1 << 20)
    unsafe udev_monitor_enable_receiving(monitor)
    known = [:]
    known = Self.present(sysfs)
  }

  deinit {
    unsafe udev_monitor_unref(monitor)
    unsafe udev_unref(udev)
  }

  /// Becomes readable when there is something to receive.
  public var descriptor: Int32 { unsafe udev_monitor_get_fd(monitor) }

  /// Everything that happened since the last call, in order. Never waits. After lost messages
  /// (ENOBUFS) it compares with the devices that exist now.
  public func receive() -> [DeviceEvent] {
    var events: [DeviceEvent] = []
    while true {
      errno = 0
      guard let device = unsafe udev_monitor_receive_device(monitor) else {
        if errno == ENOBUFS { events += reconcile() }
        return events
      }
      defer { unsafe udev_device_unref(device) }
      if let event = unsafe event(device) { events.append(event) }
    }
  }

  private func event(_ device: OpaquePointer) -> DeviceEvent? {
    guard let name = unsafe udev_device_get_sysname(device),
      let action = unsafe udev_device_get_action(device),
      let number = unsafe Int(String(cString: name).dropFirst(3))
    else { return nil }
    switch unsafe String(cString: action) {
    case "add":
      guard let info = try? UIODeviceInfo(number: number, sysfs: sysfs) else { return nil }
      known[number] = info
      return .added(info)
    case "remove":
      known[number] = nil
      return .removed(number: number)
    default: return nil
    }
  }

  private func reconcile() -> [DeviceEvent] {
    let now = Self.present(sysfs)
    let gone = known.keys.filter { now[$0]?.stableID != known[$0]?.stableID }.sorted()
    let new = now.keys.filter { known[$0]?.stableID != now[$0]?.stableID }.sorted()
    known = now
    return gone.map { .removed(number: $0) } + new.compactMap { now[$0].map { .added($0) } }
  }

  private static func present(_ sysfs: Sysfs) -> [Int: UIODeviceInfo] {
    Dictionary(UIODeviceInfo.all(sysfs).map { ($0.number, $0) }) { first, _ in first }
  }

  private static func failure(_ operation: String) -> UIOError {
    UIOError(
      .resourcesExhausted, device: "libudev", operation: operation,
      cause: "cannot create a context",
      errno: errno)
  }
}

// MARK: Events

/// A UIO device came or went.
public enum DeviceEvent: Equatable, Sendable {
  case added(UIODeviceInfo)
  /// N of `/dev/uioN`; the number may be given to another device at once (fact 5).
  case removed(number: Int)
}
