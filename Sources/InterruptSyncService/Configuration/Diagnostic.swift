/// One fault of the configuration: where, what, and what to do about it.
package struct Diagnostic: Error, Equatable, CustomStringConvertible {
  package let position: SourcePosition
  package let message: String
  /// Empty when there is nothing to say.
  package let hint: String

  package init(_ position: SourcePosition, _ message: String, hint: String = "") {
    self.position = position
    self.message = message
    self.hint = hint
  }

  /// `path:line:column: error: message`, and the hint on a line of its own.
  package var description: String {
    "\(position): error: \(message)" + (hint.isEmpty ? "" : "\n  hint: \(hint)")
  }
}
