// Floor 5. An interface as its description says it, in the language of varlink.org and UAPI.20, and
// values checked against it. Existing parsers disagree about parts of the language, so a
// description is held to what all of them accept unless its reader asks for the whole language.
// ClientService makes the daemon's, VarlinkServer its own of org.varlink.service; VarlinkServer and
// VarlinkCall read them on the control thread, VarlinkClient makes one of a service's text. Values:
// any thread, no lock.

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

// MARK: Members

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
}

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

// MARK: Checking values

// Undeclared members are faults, so that a client that misspells an optional parameter hears of it.
extension InterfaceDescription {
  /// The place of the first thing in `object` that `fields` do not allow, such as
  /// `devices[2].name`; nil when there is none.
  package func fault(in object: JSONObject, against fields: [Field]) -> String? {
    relativeFault(in: object, against: fields).map { String($0.dropFirst()) }
  }

  /// The place as seen from the object: `.name…`.
  private func relativeFault(in object: JSONObject, against fields: [Field]) -> String? {
    var present = 0
    for field in fields {
      let value = object[field.name]
      if value != nil { present += 1 }
      if let fault = fault(in: value ?? .null, against: field.type) {
        return ".\(field.name)\(fault)"
      }
    }
    guard present < object.count else { return nil }
    let declared = Set(fields.map(\.name))
    return object.members.first { !declared.contains($0.key) }.map { "." + $0.key }
  }

  /// The place as seen from the value: empty for itself, `.name…` or `[…]…` for what is inside.
  private func fault(in value: JSON, against type: FieldType) -> String? {
    switch (type, value) {
    case (.nullable, .null), (.bool, .bool), (.int, .integer), (.int, .unsigned),
      (.float, .integer), (.float, .unsigned), (.string, .string), (.object, .object):
      return nil
    case (.float, .double(let number)): return number.isFinite ? nil : ""
    case (.nullable(let type), _): return fault(in: value, against: type)
    case (.named(let name), _):
      guard let type = self.type(name) else { return "" }
      return fault(in: value, against: type)
    case (.structure(let fields), .object(let object)):
      return relativeFault(in: object, against: fields)
    case (.enumeration(let values), .string(let name)): return values.contains(name) ? nil : ""
    case (.array(let type), .array(let elements)):
      for (number, element) in elements.enumerated() {
        if let fault = fault(in: element, against: type) { return "[\(number)]\(fault)" }
      }
      return nil
    case (.map(let type), .object(let object)):
      for member in object.members {
        if let fault = fault(in: member.value, against: type) { return "[\(member.key)]\(fault)" }
      }
      return nil
    default: return ""
    }
  }
}
