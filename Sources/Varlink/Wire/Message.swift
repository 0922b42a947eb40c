// Floor 5. One message on a socket, and the queue of messages that wait while the peer does not
// read. Descriptors go with the first byte of their message, which is sent alone; others are sent
// together. ServerConnection uses it on the control thread, VarlinkClient on its caller's: one
// thread at a time, without a lock. It never waits.
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

/// Sends messages to a socket in order, as many as may go together in one piece.
package struct MessageWriter {
  /// A message that carries descriptors: where in `bytes` it begins, and how long it is.
  private struct Carrier {
    var place: Int
    let count: Int
    let descriptors: [FileDescriptor]
  }

  /// Messages that wait to be sent, behind those that were sent already.
  private var bytes: [UInt8] = []
  private var sent = 0
  /// In order; the first is not before `sent`.
  private var carriers: [Carrier] = []

  /// An empty buffer of more bytes than these is given back.
  private static let kept = 4096

  package init() {}

  /// Bytes that wait to be sent.
  package var waitingBytes: Int { bytes.count - sent }
  package var isEmpty: Bool { waitingBytes == 0 }

  /// Adds a message: its JSON text, to which the final zero is added.
  package mutating func add(_ message: Message) {
    add(message.descriptors) { $0 += message.bytes }
  }

  /// The same; `write` appends the text.
  mutating func add(_ descriptors: [FileDescriptor], _ write: (inout [UInt8]) -> Void) {
    let place = bytes.count
    write(&bytes)
    bytes.append(0)
    guard !descriptors.isEmpty else { return }
    carriers.append(
      Carrier(place: place, count: bytes.count - place, descriptors: descriptors))
  }

  /// Sends as much as fits. Never waits, and raises no SIGPIPE.
  /// - Returns: whether any byte went.
  @discardableResult
  package mutating func flush(to socket: FileDescriptor) throws(WireFailure) -> Bool {
    var hasSent = false
    while !isEmpty {
      let count = send(to: socket.raw)
      if count == -Int(EAGAIN) { break }
      guard count >= 0 else { throw .system(Int32(-count)) }
      hasSent = true
      if carriers.first?.place == sent { carriers.removeFirst() }
      sent += count
    }
    discard()
    return hasSent
  }

  /// Sends a piece: a message with descriptors, which a reader must not take for another's, or what
  /// comes before the next one.
  private func send(to socket: Int32) -> Int {
    var raw: [Int32] = []
    var end = bytes.count
    if let next = carriers.first {
      let isNow = next.place == sent
      if isNow { raw = next.descriptors.map(\.raw) }
      end = next.place + (isNow ? next.count : 0)
    }
    return unsafe bytes.withUnsafeBytes { buffer in
      let piece = unsafe UnsafeRawBufferPointer(rebasing: buffer[sent..<end])
      guard let start = piece.baseAddress else { return 0 }
      return unsafe raw.withUnsafeBufferPointer { raw in
        unsafe linux_send(socket, start, piece.count, raw.baseAddress, raw.count)
      }
    }
  }

  /// Drops what was sent once it is most of the buffer.
  private mutating func discard() {
    guard sent > bytes.count / 2 else { return }
    if isEmpty {
      bytes.removeAll(keepingCapacity: bytes.capacity <= Self.kept)
    } else {
      bytes.removeFirst(sent)
      for index in carriers.indices { carriers[index].place -= sent }
    }
    sent = 0
  }
}
