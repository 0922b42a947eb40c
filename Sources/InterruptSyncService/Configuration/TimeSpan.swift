// Configuration room. A time span as people write it, systemd.time(7). ConfigurationValue reads it,
// DaemonSettings and DeviceSettings keep it, MetricsFile and the methods of clients use it. Pure
// values, on the control thread; no lock.

/// Nanoseconds.
package struct TimeSpan: Comparable, Hashable, Sendable, CustomStringConvertible {
  package let nanoseconds: UInt64

  package static func nanoseconds(_ count: UInt64) -> TimeSpan { TimeSpan(nanoseconds: count) }
  package static func microseconds(_ count: UInt64) -> TimeSpan {
    TimeSpan(nanoseconds: count * 1000)
  }
  package static func milliseconds(_ count: UInt64) -> TimeSpan {
    TimeSpan(nanoseconds: count * 1_000_000)
  }
  package static func seconds(_ count: UInt64) -> TimeSpan {
    TimeSpan(nanoseconds: count * 1_000_000_000)
  }

  private init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  private static let second: UInt64 = 1_000_000_000
  private static let units: [String: UInt64] = [
    "ns": 1, "nsec": 1,
    "us": 1000, "usec": 1000, "µs": 1000, "μs": 1000,
    "ms": 1_000_000, "msec": 1_000_000,
    "": second, "s": second, "sec": second, "second": second, "seconds": second,
    "m": 60 * second, "min": 60 * second, "minute": 60 * second, "minutes": 60 * second,
    "h": 3600 * second, "hr": 3600 * second, "hour": 3600 * second, "hours": 3600 * second,
    "d": 86_400 * second, "day": 86_400 * second, "days": 86_400 * second,
    "w": 604_800 * second, "week": 604_800 * second, "weeks": 604_800 * second,
  ]

  /// Reads numbers with units, which add up: `50us`, `1.5s`, `1min 30s`. A number without a unit is
  /// seconds. Nil for anything else, and for more than 584 years.
  package init?(_ text: String) {
    var rest = text[...].drop { $0 == " " || $0 == "\t" }
    guard !rest.isEmpty else { return nil }
    var sum: UInt64 = 0
    while !rest.isEmpty {
      let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
      rest = rest.dropFirst(number.count).drop { $0 == " " || $0 == "\t" }
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count).drop { $0 == " " || $0 == "\t" }
      guard let scale = Self.units[String(unit)], let part = Self.product(number, scale) else {
        return nil
      }
      let (total, overflow) = sum.addingReportingOverflow(part)
      if overflow { return nil }
      sum = total
    }
    nanoseconds = sum
  }

  /// A decimal number times `scale`, without fractions of a nanosecond.
  private static func product(_ number: Substring, _ scale: UInt64) -> UInt64? {
    let parts = number.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = UInt64(parts[0]) else { return nil }
    var (sum, overflow) = whole.multipliedReportingOverflow(by: scale)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return sum }
    guard !parts[1].isEmpty else { return nil }
    var place = scale
    for digit in parts[1] {
      place /= 10
      (sum, overflow) = sum.addingReportingOverflow(UInt64(digit.wholeNumberValue ?? 0) * place)
      guard !overflow else { return nil }
    }
    return sum
  }

  package static func < (left: TimeSpan, right: TimeSpan) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// In the largest unit without a fraction: `90s`, `50us`.
  package var description: String {
    if nanoseconds == 0 { return "0" }
    for (name, scale) in [("h", 3600 * Self.second), ("min", 60 * Self.second), ("s", Self.second)]
    where nanoseconds >= scale && nanoseconds % scale == 0 {
      return "\(nanoseconds / scale)\(name)"
    }
    if nanoseconds % 1_000_000 == 0 { return "\(nanoseconds / 1_000_000)ms" }
    return nanoseconds % 1000 == 0 ? "\(nanoseconds / 1000)us" : "\(nanoseconds)ns"
  }
}
