import UIO

/// Why a value cannot be read; whoever knows where it stands makes a `Diagnostic` of it.
struct ValueFault: Error, Equatable {
  let message: String
  let hint: String

  init(_ message: String, hint: String = "") {
    self.message = message
    self.hint = hint
  }

  init(_ error: UIOError) { self.init("\(error.device): \(error.cause)", hint: error.hint) }
}
