// Floor 5. Takes messages from a socket: ServerConnection on the control thread, VarlinkClient on
// its caller's. One thread at a time, no lock; it never waits. Bytes are peeked at first, and taken
// only up to the zero that ends a message: so descriptors belong to the message whose bytes they
// came with, and a sender that is too fast waits in the kernel. Several messages are taken at once
// where the caller wants them and none has descriptors. Descriptors that no call takes are not
// received, since to drop one in recvmsg(2) is to close it.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// Takes messages from a socket, and gives them out one at a time.
package struct MessageReader {
  package enum Outcome {
    case message(Message)
    /// Nothing complete has come.
    case nothing
    /// The peer will send no more.
    case end
  }

  /// What a message may cost, one that is being received included.
  package var limits: WireLimits
  /// Makes what closes a received descriptor; nil: the peer may not send any.
  package var adopt: ((Int32) -> FileDescriptor)?
  /// Bytes taken from the socket: whole messages, or a part of one. Those before `start` were given
  /// out, and up to `searched` no message ends.
  private var bytes: [UInt8] = []
  private var start = 0
  private var searched = 0
  private var descriptors: [FileDescriptor] = []
  /// Nothing was left in the socket when it was last looked at.
  private(set) var hasDrained = false

  package init(
    limits: WireLimits,
    adopt: ((Int32) -> FileDescriptor)? = { FileDescriptor(adopting: $0) }
  ) {
    self.limits = limits
    self.adopt = adopt
  }

  /// A message has begun and not ended.
  package var isInsideMessage: Bool { !bytes.isEmpty || !descriptors.isEmpty }

  /// Another whole message is here: what is taken together with a message ends with one.
  var hasMessage: Bool { start > 0 }

  /// The next message. Never waits. After a failure the connection is of no more use; what was
  /// received of the message is dropped and its descriptors are closed.
  /// - Parameter most: how many messages may be taken from the socket, at least 1. Give out those that
  ///   are more than one before you wait for the socket.
  package mutating func next(
    from socket: FileDescriptor, most: Int = 1
  ) throws(WireFailure) -> Outcome {
    do throws(WireFailure) {
      while true {
        if let message = try message() { return .message(message) }
        if let outcome = try receive(from: socket, most: most) { return outcome }
      }
    } catch {
      forget()
      descriptors = []
      throw error
    }
  }

  private mutating func forget() {
    bytes = []
    start = 0
    searched = 0
  }

  /// The first message of what was taken; nil if it has not ended.
  private mutating func message() throws(WireFailure) -> Message? {
    guard searched < bytes.count else { return nil }
    let end = bytes[searched...].firstZero ?? bytes.count
    if end - start > limits.messageBytes { throw .tooLong(limit: limits.messageBytes) }
    searched = end
    guard end < bytes.count else { return nil }
    var message = Message(bytes: [], descriptors: descriptors)
    descriptors = []
    if start == 0, end + 1 == bytes.count {
      bytes.removeLast()
      swap(&message.bytes, &bytes)
    } else {
      message.bytes = Array(bytes[start..<end])
    }
    start = end + 1
    searched = start
    if start >= bytes.count { forget() }
    return message
  }

  /// Takes more from the socket. Nil: a message may be whole now.
  private mutating func receive(
    from socket: FileDescriptor, most: Int
  ) throws(WireFailure) -> Outcome? {
    let piece = try piece(of: socket.raw, most)
    switch piece.status {
    case .some(EAGAIN): return .nothing
    case .some(let number): throw .system(number)
    case nil: break
    }
    descriptors += piece.descriptors
    if piece.lostDescriptors { throw .descriptorsLost }
    if descriptors.count > limits.descriptors {
      throw .tooManyDescriptors(limit: limits.descriptors)
    }
    if piece.bytes.isEmpty {
      if isInsideMessage { throw .cutShort }
      return .end
    }
    hasDrained = piece.isLast
    if bytes.isEmpty { bytes = piece.bytes } else { bytes += piece.bytes }
    return nil
  }
}

extension ArraySlice<UInt8> {
  /// Where the first zero is.
  fileprivate var firstZero: Int? {
    unsafe withUnsafeBytes { buffer -> Int? in
      guard let first = buffer.baseAddress, let zero = unsafe memchr(first, 0, buffer.count) else {
        return nil
      }
      return unsafe startIndex + (UnsafeRawPointer(zero) - first)
    }
  }
}

extension MessageReader {
  private struct Piece {
    var bytes: [UInt8] = []
    var descriptors: [FileDescriptor] = []
    var lostDescriptors = false
    /// Nothing came after it.
    var isLast = false
    /// An error number.
    var status: Int32?
  }

  private static let room = 16384

  /// Bytes up to a message's end, or as many as there are; none at the end of the connection.
  private func piece(of socket: Int32, _ most: Int) throws(WireFailure) -> Piece {
    let result = unsafe withUnsafeTemporaryAllocation(byteCount: Self.room, alignment: 16) {
      buffer -> Result<Piece, WireFailure> in
      guard let start = buffer.baseAddress else { return .success(Piece(status: ENOMEM)) }
      var hasDescriptors = false
      let peeked = unsafe linux_peek(socket, start, Self.room, &hasDescriptors)
      guard peeked >= 0 else { return .success(Piece(status: Int32(-peeked))) }
      guard !hasDescriptors || adopt != nil else { return .failure(.unwantedDescriptors) }
      let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<peeked])
      let wanted = unsafe Self.end(of: hasDescriptors ? 1 : most, in: bytes)
      var piece = unsafe receive(
        socket, UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      piece.isLast = piece.bytes.count == peeked && peeked < Self.room && !hasDescriptors
      return .success(piece)
    }
    return try result.get()
  }

  /// Where so many messages end, or those that are whole; everything if none is.
  private static func end(of most: Int, in bytes: UnsafeMutableRawBufferPointer) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    var end = 0
    for _ in 0..<most {
      guard let zero = unsafe memchr(start + end, 0, bytes.count - end) else { break }
      end = unsafe zero - start + 1
    }
    return end == 0 ? bytes.count : end
  }

  private func receive(
    _ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) -> Piece {
    // Of no bytes there is nothing to receive: the end.
    guard let start = buffer.baseAddress, unsafe !buffer.isEmpty else { return Piece() }
    let capacity = Int(LINUX_DESCRIPTORS)
    return unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: capacity) { raw in
      guard let rawStart = raw.baseAddress else { return Piece(status: ENOMEM) }
      var count = 0
      var isCut = false
      let taken = unsafe linux_receive(socket, start, buffer.count, rawStart, &count, &isCut)
      guard taken >= 0 else { return Piece(status: Int32(-taken)) }
      let descriptors = unsafe raw.prefix(count).compactMap { adopt?($0) }
      return unsafe Piece(
        bytes: Array(buffer.prefix(taken)), descriptors: descriptors, lostDescriptors: isCut)
    }
  }
}
