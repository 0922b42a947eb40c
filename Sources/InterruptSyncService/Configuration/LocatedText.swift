// Text of a configuration file that still knows where each of its characters stood: a value
// continued over several lines is one text with a position in each of them.

/// Valid UTF-8 with positions.
struct LocatedText: Equatable, Sendable {
  private struct Mark: Equatable {
    var offset: Int
    let position: SourcePosition
  }

  private(set) var bytes: [UInt8] = []
  /// In order of their offsets, the first at 0.
  private var marks: [Mark]

  /// An empty text that stands at `position`.
  init(at position: SourcePosition) { marks = [Mark(offset: 0, position: position)] }

  var string: String { String(decoding: bytes, as: UTF8.self) }
  var isEmpty: Bool { bytes.isEmpty }
  /// Where it begins.
  var position: SourcePosition { marks[0].position }

  /// Adds what stands at `position`.
  mutating func append(_ more: some Collection<UInt8>, at position: SourcePosition) {
    let mark = Mark(offset: bytes.count, position: position)
    if bytes.isEmpty { marks = [mark] } else { marks.append(mark) }
    bytes += more
  }

  /// Where the byte at `offset` stood; `offset` may be the end.
  func position(at offset: Int) -> SourcePosition {
    let mark = marks.last { $0.offset <= offset } ?? marks[0]
    let passed = Self.scalars(bytes[mark.offset..<offset])
    return SourcePosition(
      path: mark.position.path, line: mark.position.line, column: mark.position.column + passed)
  }

  /// The part in `range`, with its positions.
  subscript(range: Range<Int>) -> LocatedText {
    var part = LocatedText(at: position(at: range.lowerBound))
    part.bytes = Array(bytes[range])
    for var mark in marks where range.contains(mark.offset) && mark.offset > range.lowerBound {
      mark.offset -= range.lowerBound
      part.marks.append(mark)
    }
    return part
  }

  /// Without blanks at both ends.
  var trimmed: LocatedText {
    guard let first = bytes.firstIndex(where: { !Self.isBlank($0) }),
      let last = bytes.lastIndex(where: { !Self.isBlank($0) })
    else { return self[bytes.count..<bytes.count] }
    return self[first..<last + 1]
  }

  /// Space and tab.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// How many scalars begin in `bytes`.
  static func scalars(_ bytes: some Collection<UInt8>) -> Int {
    bytes.count { $0 & 0xc0 != 0x80 }
  }
}
