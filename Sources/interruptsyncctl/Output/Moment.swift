// Floor 7. The time stamps of lines that commands print as things happen: one kind for people, one for
// programs, both of the wall clock with microseconds. Pure values but for the reading of clocks.
import Glibc
import LinuxSystem

/// A moment of the wall clock.
struct Moment {
  /// Since 1970.
  let nanoseconds: Int64

  init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  static var now: Moment { Moment(nanoseconds: read(CLOCK_REALTIME)) }

  /// - Parameter monotonic: a time of CLOCK_MONOTONIC, as records of rings have it.
  init(monotonic: Duration) {
    let age = Self.read(CLOCK_MONOTONIC) - Int64(clamping: monotonic.nanoseconds)
    nanoseconds = Self.read(CLOCK_REALTIME) - age
  }

  /// The time of day here: `13:20:05.123456`.
  var clock: String {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var parts = unsafe tm()
    unsafe localtime_r(&seconds, &parts)
    return unsafe Self.timeOfDay(parts) + fraction
  }

  /// The same without a fraction: `13:20:05`.
  var seconds: String { String(clock.prefix(8)) }

  /// As RFC 3339 has it, in UTC: `2026-11-30T12:20:05.123456Z`.
  var text: String {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var parts = unsafe tm()
    unsafe gmtime_r(&seconds, &parts)
    let (year, month, day) = unsafe (parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
    return unsafe "\(year)-\(Self.two(month))-\(Self.two(day))T\(Self.timeOfDay(parts))\(fraction)Z"
  }

  private var fraction: String {
    "." + String(1_000_000 + nanoseconds % 1_000_000_000 / 1000).dropFirst()
  }

  private static func timeOfDay(_ parts: tm) -> String {
    unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }

  private static func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + "\(value)" }

  private static func read(_ clock: clockid_t) -> Int64 {
    var now = timespec()
    unsafe clock_gettime(clock, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
