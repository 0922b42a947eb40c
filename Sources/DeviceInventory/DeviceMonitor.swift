// UIO devices that come and go, through libudev. Floor 5; the daemon's Service makes and reads one
// on the control thread; a program may have its own. One thread at a time, as nothing here is
// locked; it never waits.
public import DeviceIdentity

/// Watches for UIO devices. One thread at a time may use it.
///
/// Make it first and list devices then (`UIODeviceInfo.all`): a device that comes in between is seen
/// twice rather than never.
@safe public final class DeviceMonitor: @unchecked Sendable {
  private let monitor: UdevMonitor
  private let sysfs: Sysfs
  /// The devices reported as present, for catching up after lost messages.
  private var known: [Int: UIODeviceInfo]

  /// - Throws: `resourcesExhausted`.
  public init(sysfs: Sysfs = .system) throws(UIOError) {
    monitor = try UdevMonitor(["uio"])
    self.sysfs = sysfs
    known = Self.present(sysfs)
  }

  /// Becomes readable when there is something to receive.
  public var descriptor: Int32 { monitor.descriptor }

  /// Everything that happened since the last call, in order. Never waits. After lost messages
  /// (ENOBUFS) it compares with the devices that exist now.
  public func receive() -> [DeviceEvent] {
    var events: [DeviceEvent] = []
    monitor.receive { message in
      if let message { events += event(message).map { [$0] } ?? [] } else { events += reconcile() }
    }
    return events
  }

  private func event(_ message: UdevMessage) -> DeviceEvent? {
    guard let number = Int(message.name.dropFirst(3)) else { return nil }
    switch message.action {
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
}

// MARK: Events

/// A UIO device came or went.
public enum DeviceEvent: Equatable, Sendable {
  case added(UIODeviceInfo)
  /// N of `/dev/uioN`; the number may be given to another device at once (fact 5).
  case removed(number: Int)
}
