// Reads numbers that the kernel prints or people type. Floor 1; ids and addresses of devices,
// register references, configuration, recipes and the daemon's client library call it, on any
// thread. A pure function: no lock.

/// Numbers as the kernel prints and as people type them.
package enum NumberParsing {
  /// `0x1f`, `0X1f` or decimal; nothing around it.
  package static func parse<T: FixedWidthInteger>(
    _ text: some StringProtocol, as _: T.Type = T.self
  ) -> T? {
    let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
    let digits = isHexadecimal ? text.dropFirst(2) : text[...]
    guard let first = digits.first, first.isHexDigit else { return nil }
    return T(digits, radix: isHexadecimal ? 16 : 10)
  }
}
