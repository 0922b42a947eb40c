import UIO
import Varlink

extension TransactionOperation {
  /// Reads an `Operation`; its types have been checked.
  /// - Throws: `BadRegister`, `InvalidParameter`.
  init(_ object: JSONObject, index: Int) throws(ErrorReply) {
    let register: RegisterReference
    do throws(UIOError) {
      register = try RegisterReference(object["register"]?.string ?? "")
    } catch {
      throw ClientError.refused(.badRegister(index: index, message: error.description))
    }
    /// Absent and null are the same.
    func number(_ name: String) throws(ErrorReply) -> UInt64? {
      guard let value = object[name], value != .null else { return nil }
      guard let number = value.uint64 else {
        throw .invalidParameter("operations[\(index)].\(name)")
      }
      return number
    }
    func required(_ name: String) throws(ErrorReply) -> UInt64 {
      guard let number = try number(name) else {
        throw .invalidParameter("operations[\(index)].\(name)")
      }
      return number
    }
    switch object["operation"]?.string {
    case "read": self = .read(register)
    case "write": self = .write(register, value: try required("value"))
    case "update":
      self = .update(register, mask: try required("mask"), value: try required("value"))
    case "wait":
      self = .wait(
        register, mask: try number("mask") ?? register.mask, value: try required("value"),
        microseconds: try required("microseconds"))
    default: throw .invalidParameter("operations[\(index)].operation")
    }
  }
}
