// Messages wait here while the peer does not read. Descriptors go with the first byte of their
// message, and a send never spans two messages.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// Sends messages to a socket in order.
package struct MessageWriter {
  private struct Waiting {
    var bytes: [UInt8]
    var sent = 0
    var descriptors: [FileDescriptor]
  }

  private var queue: [Waiting] = []
  private var first = 0

  /// Bytes that wait to be sent.
  package private(set) var waitingBytes = 0

  package init() {}

  package var isEmpty: Bool { waitingBytes == 0 }

  /// Adds a message: its JSON text, to which the final zero is added.
  package mutating func add(_ message: Message) {
    queue.append(Waiting(bytes: message.bytes + [0], descriptors: message.descriptors))
    waitingBytes += message.bytes.count + 1
  }

  /// Sends as much as fits. Never waits, and raises no SIGPIPE.
  /// - Returns: whether any byte went.
  @discardableResult
  package mutating func flush(to socket: FileDescriptor) throws(WireFailure) -> Bool {
    var hasSent = false
    while first < queue.count {
      let count = Self.send(queue[first], to: socket.raw)
      if count == -Int(EAGAIN) { return hasSent }
      guard count >= 0 else { throw .system(Int32(-count)) }
      hasSent = true
      waitingBytes -= count
      queue[first].sent += count
      queue[first].descriptors = []
      if queue[first].sent == queue[first].bytes.count { removeFirst() }
    }
    return hasSent
  }

  private mutating func removeFirst() {
    queue[first] = Waiting(bytes: [], descriptors: [])
    first += 1
    if first == queue.count || first > 64 {
      queue.removeFirst(first)
      first = 0
    }
  }

  private static func send(_ message: Waiting, to socket: Int32) -> Int {
    let raw = message.descriptors.map(\.raw)
    return unsafe message.bytes.withUnsafeBytes { buffer in
      let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[message.sent...])
      guard let start = rest.baseAddress else { return 0 }
      return unsafe raw.withUnsafeBufferPointer { raw in
        unsafe cvarlink_send(socket, start, rest.count, raw.baseAddress, raw.count)
      }
    }
  }
}
