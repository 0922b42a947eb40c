/// A place in a configuration file.
package struct SourcePosition: Equatable, Sendable, CustomStringConvertible {
  package let path: String
  /// From 1; 0 means the file as a whole.
  package let line: Int
  /// From 1, in Unicode scalars.
  package let column: Int

  package init(path: String, line: Int = 0, column: Int = 0) {
    self.path = path
    self.line = line
    self.column = column
  }

  /// `path:line:column`, or the path alone.
  package var description: String { line == 0 ? path : "\(path):\(line):\(column)" }
}
