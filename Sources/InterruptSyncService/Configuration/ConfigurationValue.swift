// Configuration room. How single values are written, and reading those of one section. The settings
// of this room (DaemonSettings, DeviceMatch, DeviceSettings, RoutineSettings) call it. Each
// function of `ConfigurationValue` is a reader for a key: text in; a value, or a fault with a hint,
// out. Pure functions, called on the control thread; no lock.
import Glibc
import LinuxSystem
import UIO

enum ConfigurationValue {
  typealias Reader<T> = @Sendable (String) throws(ValueFault) -> T

  /// A decimal or 0x number in `range`.
  static func integer<T: FixedWidthInteger & Sendable>(_ range: ClosedRange<T>) -> Reader<T> {
    { text throws(ValueFault) in
      guard let number = NumberParsing.parse(text, as: T.self), range.contains(number) else {
        throw ValueFault(
          "\"\(text)\" is not a number from \(range.lowerBound) to \(range.upperBound)",
          hint: "write a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
  }

  /// One of the words in `choices`.
  static func choice<T: Sendable>(_ choices: [String: T]) -> Reader<T> {
    { text throws(ValueFault) in
      guard let value = choices[text] else {
        throw ValueFault(
          "\"\(text)\" is none of \(choices.keys.sorted().joined(separator: ", "))",
          hint: Suggestion.hint(for: text, among: choices.keys))
      }
      return value
    }
  }

  /// Yes or no, in the words of systemd.syntax(7).
  static func boolean(_ text: String) throws(ValueFault) -> Bool {
    switch text.lowercased() {
    case "1", "yes", "y", "true", "t", "on": return true
    case "0", "no", "n", "false", "f", "off": return false
    default: throw ValueFault("\"\(text)\" is neither yes nor no", hint: "write yes or no")
    }
  }

  /// A time span of systemd.time(7) in `range`.
  static func timeSpan(_ range: ClosedRange<TimeSpan>) -> Reader<TimeSpan> {
    { text throws(ValueFault) in
      guard let span = TimeSpan(text) else {
        throw ValueFault(
          "\"\(text)\" is not a time span",
          hint:
            "write numbers with units, for instance 50us, 1.5s or 1min 30s; without a unit it is seconds"
        )
      }
      guard range.contains(span) else {
        throw ValueFault(
          "\(text) is not between \(range.lowerBound) and \(range.upperBound)",
          hint: "write \(range.lowerBound) to \(range.upperBound)")
      }
      return span
    }
  }

  /// Bytes, with K, M or G for powers of 1024, in `range`.
  static func size(_ range: ClosedRange<Int>) -> Reader<Int> {
    { text throws(ValueFault) in
      let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
      let unit = text.last.flatMap { units[$0] }
      let digits = unit == nil ? text[...] : text.dropLast()
      let product = NumberParsing.parse(digits, as: Int.self)?.multipliedReportingOverflow(
        by: unit ?? 1)
      guard let product, !product.overflow, range.contains(product.partialValue) else {
        throw ValueFault(
          "\"\(text)\" is not a size from \(bytes(range.lowerBound)) to \(bytes(range.upperBound))",
          hint: "write bytes, or a number with K, M or G for powers of 1024")
      }
      return product.partialValue
    }
  }

  /// A whole number of hundredths, with its `%`.
  static func percentage(_ range: ClosedRange<Int>) -> Reader<Int> {
    { text throws(ValueFault) in
      guard text.last == "%", let number = NumberParsing.parse(text.dropLast(), as: Int.self),
        range.contains(number)
      else {
        throw ValueFault(
          "\"\(text)\" is not a percentage from \(range.lowerBound)% to \(range.upperBound)%",
          hint: "write a whole number and %, for instance 10%")
      }
      return number
    }
  }

  private static func bytes(_ count: Int) -> String {
    if count >= 1 << 20, count % (1 << 20) == 0 { return "\(count >> 20)M" }
    return count >= 1 << 10 && count % (1 << 10) == 0 ? "\(count >> 10)K" : "\(count)"
  }

  /// An absolute path without `.`, `..` and empty parts.
  static func path(_ text: String) throws(ValueFault) -> String {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    guard text.hasPrefix("/"), parts.allSatisfy({ !["", ".", ".."].contains($0) }),
      text.utf8.count < Int(PATH_MAX)
    else {
      throw ValueFault(
        "\"\(text)\" is not a plain absolute path",
        hint: "write it from the root on, without \".\", \"..\" and \"//\"")
    }
    return text
  }

  /// A name of ours: letters, digits, `_`, `-` and `.`, at most 64, beginning with a letter.
  static func name(_ text: String) throws(ValueFault) -> String {
    let isName = text.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || ("0"..."9").contains($0)
          || "_-.".unicodeScalars.contains($0))
    }
    guard isName, text.first?.isLetter == true, text.utf8.count <= 64 else {
      throw ValueFault(
        "\"\(text)\" is not a name",
        hint: "write letters, digits, \"_\", \"-\" and \".\", beginning with a letter")
    }
    return text
  }

  /// A group of the system by name or number. It need not exist: such a group has no members.
  static func group(_ text: String) throws(ValueFault) -> String {
    let isNumber =
      NumberParsing.parse(text, as: UInt32.self).map { "\($0)" == text && $0 < .max } ?? false
    let isName = text.unicodeScalars.enumerated().allSatisfy { index, scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "_": true
      case "0"..."9", "-", ".": index > 0
      default: false
      }
    }
    guard isNumber || isName && !text.isEmpty && text.utf8.count <= 32 else {
      throw ValueFault(
        "\"\(text)\" is not the name of a group", hint: "write a group's name or its number")
    }
    return text
  }
}

/// Reads the values of one section, and collects their faults.
struct SectionReader<Key: ConfigurationKey> {
  private let section: MergedSection?
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter section: nil if it was not written: every key has its default.
  init(_ section: MergedSection?, _: Key.Type = Key.self) { self.section = section }

  private func assignments(_ key: Key) -> [ConfigurationFile.Assignment] {
    section?.values[key.rawValue] ?? []
  }

  /// Whether the key has a value.
  func has(_ key: Key) -> Bool { !assignments(key).isEmpty }

  /// The position of a fault of the key: its value, or the section.
  func position(_ key: Key) -> SourcePosition? {
    assignments(key).last?.value.position ?? section?.position
  }

  /// The value, or nil if there is none or it is not valid.
  mutating func value<T>(_ key: Key, _ read: (String) throws(ValueFault) -> T) -> T? {
    guard let value = assignments(key).last?.value else { return nil }
    do throws(ValueFault) { return try read(value.string) } catch {
      report(key, error, at: value.position)
      return nil
    }
  }

  /// The items of a list. Invalid ones are reported and left out.
  mutating func items<T>(_ key: Key, _ read: (String) throws(ValueFault) -> T) -> [T] {
    var items: [T] = []
    for assignment in assignments(key) {
      for item in split(assignment) {
        do throws(ValueFault) { items.append(try read(item.text)) } catch {
          report(key, error, at: item.position)
        }
      }
    }
    return items
  }

  /// The items of a list, assignment by assignment.
  mutating func lists(_ key: Key) -> [[ListItem]] { assignments(key).map { split($0) } }

  private mutating func split(_ assignment: ConfigurationFile.Assignment) -> [ListItem] {
    do throws(Diagnostic) { return try assignment.value.items() } catch {
      diagnostics.append(error)
      return []
    }
  }

  mutating func report(_ key: Key, _ fault: ValueFault, at position: SourcePosition? = nil) {
    guard let position = position ?? self.position(key) else { return }
    diagnostics.append(
      Diagnostic(position, "\(key.rawValue)=: \(fault.message)", hint: fault.hint))
  }
}
