import Varlink

/// A fault in a configuration file of the daemon.
public struct ConfigurationDiagnostic: Equatable, Sendable, CustomStringConvertible {
  /// The path.
  public let file: String
  /// From 1.
  public let line: Int
  /// From 1.
  public let column: Int
  /// What is wrong.
  public let message: String
  /// What to write instead; empty when there is nothing to say.
  public let hint: String

  init?(_ value: JSON) {
    guard let object = value.object, let file = object["file"]?.string,
      let message = object["message"]?.string
    else { return nil }
    self.file = file
    self.message = message
    line = Int(clamping: object["line"]?.int64 ?? 0)
    column = Int(clamping: object["column"]?.int64 ?? 0)
    hint = object["hint"]?.string ?? ""
  }

  /// `file:line:column: message`, and the hint on a line of its own.
  public var description: String {
    "\(file):\(line):\(column): \(message)" + (hint.isEmpty ? "" : "\n  hint: \(hint)")
  }
}
