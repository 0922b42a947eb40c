// The part of a call that comes before any interface. What is wrong here is no answer's business:
// the connection is closed.

/// A call's header.
struct CallHeader: Equatable {
  struct Malformed: Error, Equatable { let cause: String }

  let method: String
  /// Empty when absent or null.
  let parameters: JSONObject
  let isOneway: Bool
  let wantsMore: Bool
  let wantsUpgrade: Bool

  init(_ bytes: [UInt8]) throws(Malformed) {
    let value: JSON
    do throws(JSONError) {
      value = try JSONParser.parse(bytes)
    } catch {
      throw Malformed(cause: "a message is not JSON: \(error)")
    }
    guard let object = value.object else { throw Malformed(cause: "a message is not an object") }
    guard let method = object["method"]?.string else {
      throw Malformed(cause: "a call has no method")
    }
    self.method = method
    isOneway = try Self.flag("oneway", in: object)
    wantsMore = try Self.flag("more", in: object)
    wantsUpgrade = try Self.flag("upgrade", in: object)
    guard [isOneway, wantsMore, wantsUpgrade].count(where: { $0 }) <= 1 else {
      throw Malformed(cause: "a call has more than one of oneway, more and upgrade")
    }
    switch object["parameters"] {
    case nil, .null: parameters = [:]
    case .object(let given): parameters = given
    default: throw Malformed(cause: "a call's parameters are not an object")
    }
    let known = ["method", "parameters", "oneway", "more", "upgrade"]
    // A member with a dot is a vendor's and means nothing here.
    if let member = object.members.first(where: { !known.contains($0.key) && !$0.key.contains(".") }
    ) {
      throw Malformed(cause: "a call has the unknown member \(JSON.string(member.key))")
    }
  }

  private static func flag(_ name: String, in object: JSONObject) throws(Malformed) -> Bool {
    guard let value = object[name] else { return false }
    guard let flag = value.bool else {
      throw Malformed(cause: "\"\(name)\" is neither true nor false")
    }
    return flag
  }
}
