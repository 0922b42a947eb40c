import CUIO

enum Clock {
  /// Nanoseconds.
  static var now: UInt64 { cuio_nanoseconds() }
}
