/// A type, a method or an error of an interface.
package struct InterfaceMember: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    /// A structure or an enumeration.
    case type(FieldType)
    case method(input: [Field], output: [Field])
    case error([Field])
  }

  package let name: String
  package let kind: Kind
  /// The comment in front of it, without the marks; empty when there is none.
  package let documentation: String
}
