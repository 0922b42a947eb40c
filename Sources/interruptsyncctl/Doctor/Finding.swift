import Varlink

/// Something that explains why a device is silent, or soon will be.
struct Finding: Equatable {
  enum Severity: String {
    /// It cannot work like this.
    case problem
    /// It works, and may not always.
    case warning
  }

  let severity: Severity
  /// A device, or the daemon.
  let subject: String
  let text: String
  /// What to do.
  let hint: String

  var json: JSONObject {
    [
      "severity": .string(severity.rawValue), "subject": .string(subject), "text": .string(text),
      "hint": .string(hint),
    ]
  }
}
