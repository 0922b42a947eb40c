/// One item of a list, unquoted.
struct Word: Equatable, Sendable {
  var text: String
  /// Where the item begins, its quote included.
  let position: SourcePosition
}
