public import UIO

/// A UIO device came or went.
public enum DeviceEvent: Equatable, Sendable {
  case added(UIODeviceInfo)
  /// N of `/dev/uioN`; the number may be given to another device at once (fact 5).
  case removed(number: Int)
}
