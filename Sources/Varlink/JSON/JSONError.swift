/// Why a text is no JSON value, and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  package let cause: String
  /// Bytes before the fault.
  package let offset: Int

  package var description: String { "\(cause) at byte \(offset)" }
}
