// Floor 5. One message on a socket, and the queue of messages that wait while the peer does not
// read. Descriptors go with the first byte of their message, and a send never spans two messages.
// Used by one thread at a time, without a lock; never waits.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// One message of the wire: the JSON text without its final zero, and the descriptors sent with it,
/// which are closed with their last reference.
package struct Message {
  package var bytes: [UInt8]
  package var descriptors: [FileDescriptor]

  package init(bytes: [UInt8], descriptors: [FileDescriptor] = []) {
    self.bytes = bytes
    self.descriptors = descriptors
  }
}

/// Limits on what one message costs its receiver.
package struct WireLimits: Sendable, Equatable {
  /// Bytes of a message, its final zero not counted.
  package var messageBytes: Int
  /// Descriptors with one message; the kernel passes no more than 253 in a piece.
  package var descriptors: Int
  /// JSON values in a message, each element and member counted.
  package var values: Int

  package init(messageBytes: Int = 1 << 20, descriptors: Int = 16, values: Int = 1 << 15) {
    self.messageBytes = messageBytes
    self.descriptors = descriptors
    self.values = values
  }
}

/// Why nothing more can be read from a connection.
package enum WireFailure: Error, Equatable, Sendable, CustomStringConvertible {
  case tooLong(limit: Int)
  case tooManyDescriptors(limit: Int)
  /// The peer sent descriptors, and none are taken from it.
  case unwantedDescriptors
  /// The process had no room for all descriptors of a message, and the kernel dropped some.
  case descriptorsLost
  /// The connection ended inside a message.
  case cutShort
  /// The kernel's answer.
  case system(Int32)

  package var description: String {
    switch self {
    case .tooLong(let limit): "a message of more than \(limit) bytes"
    case .tooManyDescriptors(let limit): "a message with more than \(limit) descriptors"
    case .unwantedDescriptors: "descriptors from a client that may not send any"
    case .descriptorsLost: "no room for a message's descriptors (systemd: LimitNOFILE=)"
    case .cutShort: "the connection ended inside a message"
    case .system(let number): "the connection failed (\(Errno.name(number)))"
    }
  }
}

// MARK: Sending

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
        unsafe linux_send(socket, start, rest.count, raw.baseAddress, raw.count)
      }
    }
  }
}
