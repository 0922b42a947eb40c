import Varlink

/// The replies of a method that answers again and again.
struct ReplyStream {
  private var replies: VarlinkReplies
  private let device: String
  private let operation: String

  init(_ replies: VarlinkReplies, device: String, operation: String) {
    self.replies = replies
    self.device = device
    self.operation = operation
  }

  /// - Parameter timeout: nil waits without end.
  /// - Throws: `timedOut`, after which one may go on, and what the method throws.
  mutating func next(timeout: Duration?) throws(InterruptSyncClientError) -> ReplyReader? {
    while true {
      do throws(VarlinkError) {
        guard let reply = try replies.next(timeout: timeout ?? .seconds(3600)) else { return nil }
        return ReplyReader(reply.parameters, device: device, operation: operation)
      } catch {
        if error.code == .timedOut, timeout == nil { continue }
        throw InterruptSyncClientError(error, object: device, operation: operation)
      }
    }
  }
}
