// What a description says about a value. Undeclared members are faults: a client that misspells an
// optional parameter is to hear of it.

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
