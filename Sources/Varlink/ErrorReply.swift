// The errors every service can answer with (org.varlink.service).

/// An error a service answers with: a qualified name and its parameters.
package struct ErrorReply: Error, Equatable, Sendable, CustomStringConvertible {
  package let name: String
  package let parameters: JSONObject

  package init(_ name: String, _ parameters: JSONObject = [:]) {
    self.name = name
    self.parameters = parameters
  }

  package var description: String { parameters.isEmpty ? name : "\(name) \(parameters)" }

  /// The answer on the wire.
  var message: JSONObject { ["error": .string(name), "parameters": .object(parameters)] }

  private static func standard(_ name: String, _ parameters: JSONObject = [:]) -> ErrorReply {
    ErrorReply("\(ServiceInterface.name).\(name)", parameters)
  }

  /// The service has no such interface.
  package static func interfaceNotFound(_ interface: String) -> ErrorReply {
    standard("InterfaceNotFound", ["interface": .string(interface)])
  }

  /// The interface has no such method; the name is the whole one.
  package static func methodNotFound(_ method: String) -> ErrorReply {
    standard("MethodNotFound", ["method": .string(method)])
  }

  /// The interface has the method and this service does not do it, or not in the way asked for.
  package static func methodNotImplemented(_ method: String) -> ErrorReply {
    standard("MethodNotImplemented", ["method": .string(method)])
  }

  /// A parameter is missing, undeclared or of another type or value than it must be. Inside a
  /// parameter, its place: `devices[2].name`.
  package static func invalidParameter(_ parameter: String) -> ErrorReply {
    standard("InvalidParameter", ["parameter": .string(parameter)])
  }

  /// The peer may not do this.
  package static let permissionDenied = standard("PermissionDenied")

  /// The method only makes sense with `more`.
  package static let expectedMore = standard("ExpectedMore")
}
