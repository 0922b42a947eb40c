/// The replies to a call with `more`, one after the other. As long as it goes on, its client takes
/// no other call; to end it early, let go of the client.
package struct VarlinkReplies {
  private let client: VarlinkClient
  private let method: String
  private var hasEnded = false

  init(_ client: VarlinkClient, method: String) {
    self.client = client
    self.method = method
  }

  /// Waits for the next reply; nil after the last.
  /// - Parameter timeout: for this reply; nil takes the client's.
  /// - Throws: as `VarlinkClient.call`. After `timedOut` one may try again.
  package mutating func next(timeout: Duration? = nil) throws(VarlinkError) -> VarlinkReply? {
    if hasEnded { return nil }
    do throws(VarlinkError) {
      let reply = try client.receive(method, timeout: timeout)
      if !reply.continues { end() }
      return reply
    } catch {
      if error.code != .timedOut { end() }
      throw error
    }
  }

  private mutating func end() {
    hasEnded = true
    client.openStream = nil
  }
}
