// Floor 5. One call: its header, the route to its method, and the ways to answer it: at once,
// later, or with a stream. ServerConnection makes it and is known here only as a `ReplySink`; the
// methods of the daemon's Clients room answer it. Control thread; no lock. The loop serves nothing
// else until a method returns.
package import LinuxSystem

/// A call that waits for its answer. On the loop's thread. Keep it to answer later. When the last
/// reference goes away without an answer, its connection is closed: the client would wait forever.
package final class VarlinkCall {
  /// The fate of a reply that others follow.
  package enum Sent: Sendable {
    case queued
    /// The client does not read, and enough waits for it: the reply was dropped. `onRoom` tells
    /// when another has a chance.
    case full
    /// The client no longer waits for replies, or the client did not ask for more than one.
    case ended
  }

  /// With its interface's name.
  package let method: String
  /// As the interface declares them.
  package let parameters: JSONObject
  /// The client takes more than one reply.
  package let wantsMore: Bool
  /// The client takes no reply. Answers are dropped.
  package let isOneway: Bool
  private let sink: any ReplySink
  let route: MethodRoute
  private let descriptors: [FileDescriptor]

  /// Called once when the client goes away before it was answered.
  package var onCancel: (() -> Void)?
  /// Called when a client to which a reply was `full` has read what waited for it.
  package var onRoom: (() -> Void)?
  /// Whether an answer is still to be given.
  package private(set) var isOpen = true

  init(
    _ header: CallHeader, route: MethodRoute, connection: any ReplySink,
    descriptors: [FileDescriptor]
  ) {
    method = header.method
    parameters = header.parameters
    wantsMore = header.wantsMore
    isOneway = header.isOneway
    self.route = route
    sink = connection
    self.descriptors = descriptors
  }

  deinit {
    if isOpen && !isOneway { sink.abandoned(method) }
  }

  package var connection: any CallConnection { sink }
  package var peer: PeerCredentials { sink.peer }

  /// The descriptor that a parameter names by its number; nil when the parameter is absent. The
  /// method must have been registered with the parameter among its `descriptors`.
  package func descriptor(_ parameter: String) -> FileDescriptor? {
    guard route.descriptors.contains(parameter), let number = parameters[parameter]?.int64 else {
      return nil
    }
    return descriptors.indices.contains(Int(number)) ? descriptors[Int(number)] : nil
  }

  /// The last or only reply. The descriptors are sent with it; parameters refer to them by number
  /// from 0. Nothing happens when the call is not open.
  package func reply(_ parameters: JSONObject = [:], descriptors: [FileDescriptor] = []) {
    guard close() else { return }
    if let report = sink.replyCheck, let fault = route.fault(inReply: parameters, to: method) {
      report(fault)
    }
    sink.finish(Reply(parameters), descriptors: descriptors)
  }

  /// A reply that others follow. When the client is found to be gone, `onCancel` is called before
  /// this returns.
  package func send(_ parameters: JSONObject, descriptors: [FileDescriptor] = []) -> Sent {
    guard isOpen, wantsMore else { return .ended }
    if let report = sink.replyCheck, let fault = route.fault(inReply: parameters, to: method) {
      report(fault)
    }
    return sink.add(Reply(parameters, continues: true), descriptors: descriptors)
  }

  /// An error as the answer. Nothing happens when the call is not open.
  package func fail(_ error: ErrorReply) {
    guard close() else { return }
    if let report = sink.replyCheck, let fault = route.fault(in: error, to: method) {
      report(fault)
    }
    sink.finish(Reply(error), descriptors: [])
  }

  /// Whether an answer must be sent.
  private func close() -> Bool {
    guard isOpen else { return false }
    isOpen = false
    onCancel = nil
    onRoom = nil
    return !isOneway
  }

  func cancel() {
    guard isOpen else { return }
    isOpen = false
    onRoom = nil
    let onCancel = onCancel
    self.onCancel = nil
    onCancel?()
  }
}

/// The connection that a call came on, as the call and its handler need it. On the loop's thread.
package protocol CallConnection: AnyObject {
  /// Never used twice by one server.
  var id: UInt64 { get }
  var peer: PeerCredentials { get }
  var isClosed: Bool { get }
  /// Calls `body` once when the connection is closed, by either side.
  func whenClosed(_ body: @escaping () -> Void)
  /// No longer throttles the connection for the processor time that its user takes.
  func exempt()
}

/// How a call's answers reach its client. On the loop's thread.
protocol ReplySink: CallConnection {
  /// Where a reply is reported that is not as its interface declares it; nil reports nothing.
  var replyCheck: ((String) -> Void)? { get }
  /// Sends a message of an answer that goes on.
  func add(_ reply: Reply, descriptors: [FileDescriptor]) -> VarlinkCall.Sent
  /// Sends the last message of an answer.
  func finish(_ reply: Reply, descriptors: [FileDescriptor])
  /// The last reference to a call went away without an answer.
  func abandoned(_ method: String)
}

/// A message of an answer.
struct Reply {
  private let error: String?
  private let parameters: JSONObject
  private let continues: Bool

  init(_ parameters: JSONObject, continues: Bool = false) {
    error = nil
    self.parameters = parameters
    self.continues = continues
  }

  init(_ error: ErrorReply) {
    self.error = error.name
    parameters = error.parameters
    continues = false
  }

  /// Appends its text.
  func write(to bytes: inout [UInt8]) {
    if let error {
      JSONWriter.copy(#"{"error":"#, to: &bytes)
      JSONWriter.quote(error, to: &bytes)
      bytes.append(UInt8(ascii: ","))
    } else {
      bytes.append(UInt8(ascii: "{"))
    }
    JSONWriter.copy(#""parameters":"#, to: &bytes)
    JSONWriter.write(parameters, to: &bytes)
    JSONWriter.copy(continues ? #","continues":true}"# : "}", to: &bytes)
  }
}

// MARK: Header

// A malformed header has no answer: the connection is closed.

/// A call's header.
struct CallHeader: Equatable {
  struct Malformed: Error, Equatable { let cause: String }

  let method: String
  /// Empty when absent or null.
  let parameters: JSONObject
  let isOneway: Bool
  let wantsMore: Bool
  let wantsUpgrade: Bool

  /// - Parameter values: how many JSON values the message may have.
  init(_ bytes: [UInt8], values: Int = WireLimits().values) throws(Malformed) {
    let value: JSON
    do throws(JSONError) {
      value = try JSONParser.parse(bytes, values: values)
    } catch {
      throw Malformed(cause: "a message is not JSON: \(error)")
    }
    guard let object = value.object else { throw Malformed(cause: "a message is not an object") }
    var method: String?
    var parameters: JSONObject = [:]
    var (isOneway, wantsMore, wantsUpgrade) = (false, false, false)
    for member in object.members {
      switch (member.key, member.value) {
      case ("method", .string(let name)): method = name
      case ("parameters", .object(let given)): parameters = given
      case ("parameters", .null): break
      case ("parameters", _): throw Malformed(cause: "a call's parameters are not an object")
      case ("oneway", let value): isOneway = try Self.flag("oneway", value)
      case ("more", let value): wantsMore = try Self.flag("more", value)
      case ("upgrade", let value): wantsUpgrade = try Self.flag("upgrade", value)
      // A member with a dot is a vendor's and means nothing here.
      case (let key, _) where key != "method" && !key.utf8.contains(UInt8(ascii: ".")):
        throw Malformed(
          cause: "a call has the unknown member \(JSON.string(String(key.prefix(64))))")
      default: break
      }
    }
    guard let method else { throw Malformed(cause: "a call has no method") }
    guard [isOneway, wantsMore, wantsUpgrade].count(where: { $0 }) <= 1 else {
      throw Malformed(cause: "a call has more than one of oneway, more and upgrade")
    }
    self.method = method
    self.parameters = parameters
    self.isOneway = isOneway
    self.wantsMore = wantsMore
    self.wantsUpgrade = wantsUpgrade
  }

  private static func flag(_ name: String, _ value: JSON) throws(Malformed) -> Bool {
    guard let flag = value.bool else {
      throw Malformed(cause: "\"\(name)\" is neither true nor false")
    }
    return flag
  }
}

// MARK: Routes

/// How a method of an interface is answered. A class: each call refers to one.
package final class MethodRoute {
  /// Whether a method answers with a stream.
  package enum Streaming: Sendable {
    /// It answers once, asked for more or not.
    case never
    /// It answers with a stream when it is asked for more.
    case allowed
    /// Without `more` the answer is ExpectedMore.
    case required
  }

  /// Answers a call, now or later. A thrown error is the answer.
  package typealias Handler = (VarlinkCall) throws(ErrorReply) -> Void

  let interface: InterfaceDescription
  let input: [Field]
  let output: [Field]
  let streaming: Streaming
  /// Parameters that are numbers of descriptors.
  let descriptors: [String]
  let body: Handler

  init(
    interface: InterfaceDescription, input: [Field], output: [Field], streaming: Streaming,
    descriptors: [String], body: @escaping Handler
  ) {
    self.interface = interface
    self.input = input
    self.output = output
    self.streaming = streaming
    self.descriptors = descriptors
    self.body = body
  }
}

// MARK: Checks

extension MethodRoute {
  /// The first deviation of a reply from the interface, in words; nil when there is none.
  func fault(inReply parameters: JSONObject, to method: String) -> String? {
    interface.fault(in: parameters, against: output).map {
      "\(method): a reply is not as declared at \"\($0)\": \(parameters)"
    }
  }

  /// The first deviation of an error from the interface, in words; nil when there is none.
  func fault(in error: ErrorReply, to method: String) -> String? {
    guard !error.name.hasPrefix(ServiceInterface.name + ".") else { return nil }
    let prefix = interface.name + "."
    guard error.name.hasPrefix(prefix),
      let fields = interface.error(String(error.name.dropFirst(prefix.count)))
    else { return "\(method): the error \(error.name) is not declared" }
    return interface.fault(in: error.parameters, against: fields).map {
      "\(method): \(error.name) is not as declared at \"\($0)\": \(error.parameters)"
    }
  }

  /// The parameter that names no descriptor of the call, or one that another names already; with
  /// descriptors left over, the last that could have named one.
  func fault(in parameters: JSONObject, descriptors count: Int) -> String? {
    var named: Set<Int64> = []
    for name in descriptors {
      guard let value = parameters[name], value != .null else { continue }
      guard let number = value.int64, number >= 0, number < count, named.insert(number).inserted
      else { return name }
    }
    return named.count == count ? nil : descriptors.last
  }
}
