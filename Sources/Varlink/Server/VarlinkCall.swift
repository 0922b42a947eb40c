// One call and the ways to answer it: at once, later, or with a stream.

package import LinuxSystem

/// A call that waits for its answer. On the loop's thread. Whoever keeps it may answer later; one
/// that is let go without an answer closes its connection, since its client would wait for ever.
package final class VarlinkCall {
  /// What became of a reply that is to be followed by others.
  package enum Sent: Sendable {
    case queued
    /// The client does not read, and enough waits for it: the reply was dropped. `onRoom` tells
    /// when another has a chance.
    case full
    /// Nobody waits for replies any more, or the client did not ask for more than one.
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
  package let connection: ServerConnection
  let route: MethodRoute
  private let descriptors: [FileDescriptor]

  /// Called once when the client goes away before it was answered.
  package var onCancel: (() -> Void)?
  /// Called when a client to which a reply was `full` has read what waited for it.
  package var onRoom: (() -> Void)?
  /// Whether an answer is still to be given.
  package private(set) var isOpen = true

  init(
    _ header: CallHeader, route: MethodRoute, connection: ServerConnection,
    descriptors: [FileDescriptor]
  ) {
    method = header.method
    parameters = header.parameters
    wantsMore = header.wantsMore
    isOneway = header.isOneway
    self.route = route
    self.connection = connection
    self.descriptors = descriptors
  }

  deinit {
    if isOpen && !isOneway { connection.abandoned(method) }
  }

  package var peer: PeerCredentials { connection.peer }

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
    connection.check(parameters, of: self)
    connection.finish(["parameters": .object(parameters)], descriptors: descriptors)
  }

  /// A reply that others follow. When the client is found to be gone, `onCancel` is called before
  /// this returns.
  package func send(_ parameters: JSONObject, descriptors: [FileDescriptor] = []) -> Sent {
    guard isOpen, wantsMore else { return .ended }
    connection.check(parameters, of: self)
    return connection.add(
      ["parameters": .object(parameters), "continues": true], descriptors: descriptors)
  }

  /// An error as the answer. Nothing happens when the call is not open.
  package func fail(_ error: ErrorReply) {
    guard close() else { return }
    connection.check(error, of: self)
    connection.finish(error.message, descriptors: [])
  }

  /// Whether an answer is to be sent.
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
