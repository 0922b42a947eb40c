/// The type of a value in an interface's description.
package indirect enum FieldType: Equatable, Sendable {
  case bool
  /// A whole number of up to 64 bits, signed or not.
  case int
  case float
  case string
  /// Any JSON object.
  case object
  /// A type of the same interface.
  case named(String)
  case structure([Field])
  case enumeration([String])
  case array(FieldType)
  /// `[string]T`.
  case map(FieldType)
  /// `?T`: null, or absent, or a value.
  case nullable(FieldType)
}
