/// Reads the values of one section, collecting what is wrong with them.
struct SectionReader<Key: ConfigurationKey> {
  private let section: MergedSection?
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter section: nil where nobody wrote one: every key has its default.
  init(_ section: MergedSection?, _: Key.Type = Key.self) { self.section = section }

  private func assignments(_ key: Key) -> [ConfigurationFile.Assignment] {
    section?.values[key.rawValue] ?? []
  }

  /// Whether somebody gave the key a value.
  func has(_ key: Key) -> Bool { !assignments(key).isEmpty }

  /// Where a fault of the key is to be pointed out: its value, or the section.
  func position(_ key: Key) -> SourcePosition? {
    assignments(key).last?.value.position ?? section?.position
  }

  /// The value, or nil where there is none or it cannot be read.
  mutating func value<T>(_ key: Key, _ read: (String) throws(ValueFault) -> T) -> T? {
    guard let value = assignments(key).last?.value else { return nil }
    do throws(ValueFault) { return try read(value.string) } catch {
      report(key, error, at: value.position)
      return nil
    }
  }

  /// The items of a list. Those that cannot be read are reported and left out.
  mutating func items<T>(_ key: Key, _ read: (String) throws(ValueFault) -> T) -> [T] {
    var items: [T] = []
    for assignment in assignments(key) {
      for word in words(assignment) {
        do throws(ValueFault) { items.append(try read(word.text)) } catch {
          report(key, error, at: word.position)
        }
      }
    }
    return items
  }

  /// The items of a list, assignment by assignment.
  mutating func words(_ key: Key) -> [[Word]] { assignments(key).map { words($0) } }

  private mutating func words(_ assignment: ConfigurationFile.Assignment) -> [Word] {
    do throws(Diagnostic) { return try assignment.value.words() } catch {
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
