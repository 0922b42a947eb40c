import ArgumentParser

/// A time on the command line: `500us`, `20ms`, `1.5s`, `2min`; a bare number is seconds.
struct TimeArgument: ExpressibleByArgument {
  let duration: Duration
  /// As it is written.
  let defaultValueDescription: String

  init(seconds: Int) {
    duration = .seconds(seconds)
    defaultValueDescription = "\(seconds)s"
  }

  init?(argument: String) {
    let units: [(String, Double)] = [
      ("us", 1e3), ("ms", 1e6), ("min", 60e9), ("s", 1e9), ("", 1e9),
    ]
    for (unit, nanoseconds) in units where argument.hasSuffix(unit) {
      guard let number = Double(argument.dropLast(unit.count)), number >= 0,
        number * nanoseconds < 1e18
      else { return nil }
      duration = .nanoseconds(Int64(number * nanoseconds))
      defaultValueDescription = argument
      return
    }
    return nil
  }
}
