/// Latencies in microseconds, in classes that double.
struct Histogram: CustomStringConvertible {
  private static let columns = 50

  private let sorted: [Double]

  /// Of at least one.
  init(microseconds: [Double]) { sorted = microseconds.sorted() }

  /// One class a line: its limits, a bar, how many.
  var description: String {
    // Class 0 is below 1 µs, class n from 2^(n-1) to 2^n.
    var classes: [Int: Int] = [:]
    for value in sorted { classes[value < 1 ? 0 : value.exponentClass, default: 0] += 1 }
    let most = classes.values.max() ?? 1
    let limits = (classes.keys.min() ?? 0)...(classes.keys.max() ?? 0)
    let lines = limits.map { number in
      let count = classes[number] ?? 0
      // A class with one in it has a bar to be seen.
      let bar = String(repeating: "#", count: (count * Self.columns + most - 1) / most)
      return "\(limit(number - 1)) - \(limit(number)) µs \(pad(count)) \(bar)"
    }
    return """
      \(lines.joined(separator: "\n"))
      latency: min \(at(0)) µs, median \(at(50)) µs, 99 % \(at(99)) µs, max \(at(100)) µs
      """
  }

  private func at(_ percent: Int) -> String {
    let tenths = Int((sorted[(sorted.count - 1) * percent / 100] * 10).rounded())
    return "\(Double(tenths) / 10)"
  }

  private func limit(_ number: Int) -> String { pad(number < 0 ? 0 : 1 << number) }

  private func pad(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: " ", count: max(0, 8 - text.count)) + text
  }
}

extension Double {
  /// n for values from 2^(n-1) to 2^n.
  fileprivate var exponentClass: Int { Int(exponent) + 1 }
}
