// The language of varlink.org and UAPI.20. Parsers in use disagree about parts of it, so that a
// description is held to what all of them take unless its reader asks for the whole language.

/// An interface: its types, methods and errors, and the text that says so.
package struct InterfaceDescription: Sendable {
  package enum Dialect: Sendable {
    /// What varlinkctl 257 and Python's varlink 31 both read: no `[]?T`, no `[string]?T`, and no
    /// `[string]()`.
    case common
    /// Everything the language has.
    case whole
  }

  package let name: String
  /// The comment in front of the interface.
  package let documentation: String
  /// What GetInterfaceDescription answers: the text as it was given.
  package let text: String
  /// In the text's order.
  package let members: [InterfaceMember]
  private let places: [String: Int]

  /// Reads a description.
  /// - Throws: `invalidDescription`, with the line and column.
  package init(_ text: String, dialect: Dialect = .common) throws(VarlinkError) {
    var parser = InterfaceParser(text, dialect: dialect)
    (name, documentation, members) = try parser.parse()
    self.text = text
    var places: [String: Int] = [:]
    for (place, member) in members.enumerated() { places[member.name] = place }
    self.places = places
  }

  /// The member of a name, without the interface's.
  package func member(_ name: String) -> InterfaceMember? { places[name].map { members[$0] } }

  /// A type's definition.
  package func type(_ name: String) -> FieldType? {
    if case .type(let type)? = member(name)?.kind { type } else { nil }
  }

  /// A method's parameters in and out.
  package func method(_ name: String) -> (input: [Field], output: [Field])? {
    if case .method(let input, let output)? = member(name)?.kind { (input, output) } else { nil }
  }

  /// An error's parameters.
  package func error(_ name: String) -> [Field]? {
    if case .error(let fields)? = member(name)?.kind { fields } else { nil }
  }
}
