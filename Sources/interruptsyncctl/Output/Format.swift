// Floor 7. Numbers, times and JSON as text for people. The commands call it, on the program's one
// thread. Pure functions, no lock; JSON for programs is Varlink's own.
import LinuxSystem
import Varlink

enum Format {
  static func decimal(_ value: Double, digits: Int = 1) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value * scale).rounded()
    guard scaled.magnitude < 1e15 else { return "\(value)" }
    let whole = Int64(scaled)
    let factor = Int64(scale)
    guard digits > 0 else { return "\(whole)" }
    let fraction = String((whole % factor).magnitude)
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(whole < 0 && whole > -factor ? "-" : "")\(whole / factor).\(zeros)\(fraction)"
  }

  /// `41.2 µs`, `1.3 ms`.
  static func time(_ duration: Duration) -> String {
    let nanoseconds = duration.nanoseconds
    return switch nanoseconds {
    case 0..<1_000_000: decimal(Double(nanoseconds) / 1e3) + " µs"
    case ..<1_000_000_000: decimal(Double(nanoseconds) / 1e6) + " ms"
    default: decimal(Double(nanoseconds) / 1e9) + " s"
    }
  }

  /// `820 ns`, `41.2 µs`, `1.3 ms`, `120 µs`: three digits, without zeros at the end.
  static func brief(_ duration: Duration) -> String {
    let nanoseconds = Double(duration.nanoseconds)
    let units: [(String, Double)] = [("ns", 1), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)]
    // A value that rounds to 1000 of a unit is 1 of the next.
    let unit = units.first { nanoseconds / $0.1 < 999.5 } ?? ("s", 1e9)
    let value = nanoseconds / unit.1
    var text = decimal(value, digits: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return "\(text) \(unit.0)"
  }

  static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// Names and values of captured registers.
  static func captured(_ values: [(String, UInt64)]) -> String {
    values.map { " \($0.0)=\(hex($0.1))" }.joined()
  }
}

/// JSON for people: one member per line.
enum PrettyJSON {
  static func text(_ value: JSON, indent: String = "") -> String {
    let inner = indent + "  "
    switch value {
    case .array(let elements) where !elements.isEmpty:
      let lines = elements.map { inner + text($0, indent: inner) }
      return "[\n\(lines.joined(separator: ",\n"))\n\(indent)]"
    case .object(let object) where !object.isEmpty:
      let lines = object.members.map {
        "\(inner)\(JSON.string($0.key)): \(text($0.value, indent: inner))"
      }
      return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
    default: return "\(value)"
    }
  }
}
