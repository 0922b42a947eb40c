/// A member of a structure, a method's input or output, or an error.
package struct Field: Equatable, Sendable {
  package let name: String
  package let type: FieldType
  /// The comment in front of it, without the marks; empty when there is none.
  package let documentation: String

  package init(_ name: String, _ type: FieldType, documentation: String = "") {
    self.name = name
    self.type = type
    self.documentation = documentation
  }

  package var isNullable: Bool { if case .nullable = type { true } else { false } }
}
