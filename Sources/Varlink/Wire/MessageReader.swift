// Floor 5. Takes messages from a socket one at a time. Bytes are peeked at first, and taken only up
// to the zero that ends a message. So descriptors belong to the message whose bytes they came with,
// what was sent after a message stays in the kernel until it is wanted, and a sender that is too
// fast waits there. Used by one thread at a time, without a lock; never waits: descriptors that no
// call takes are not received, since to drop one in recvmsg(2) is to close it.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// Takes messages from a socket, one at a time.
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
  private var bytes: [UInt8] = []
  private var descriptors: [FileDescriptor] = []

  package init(
    limits: WireLimits,
    adopt: ((Int32) -> FileDescriptor)? = { FileDescriptor(adopting: $0) }
  ) {
    self.limits = limits
    self.adopt = adopt
  }

  /// A message has begun and not ended.
  package var isInsideMessage: Bool { !bytes.isEmpty || !descriptors.isEmpty }

  /// The next message. Never waits. After a failure the connection is of no more use; what was
  /// received of the message is dropped and its descriptors are closed.
  package mutating func next(from socket: FileDescriptor) throws(WireFailure) -> Outcome {
    do throws(WireFailure) {
      return try take(from: socket)
    } catch {
      bytes = []
      descriptors = []
      throw error
    }
  }

  private mutating func take(from socket: FileDescriptor) throws(WireFailure) -> Outcome {
    while true {
      let piece = try piece(of: socket.raw)
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
      bytes += piece.bytes
      let isComplete = bytes.last == 0
      if bytes.count - (isComplete ? 1 : 0) > limits.messageBytes {
        throw .tooLong(limit: limits.messageBytes)
      }
      if isComplete { return .message(finish()) }
    }
  }

  private mutating func finish() -> Message {
    bytes.removeLast()
    defer {
      bytes = []
      descriptors = []
    }
    return Message(bytes: bytes, descriptors: descriptors)
  }
}

extension MessageReader {
  private struct Piece {
    var bytes: [UInt8] = []
    var descriptors: [FileDescriptor] = []
    var lostDescriptors = false
    /// An error number.
    var status: Int32?
  }

  private static let room = 16384

  /// Bytes up to a message's end, or as many as there are; none at the end of the connection.
  private func piece(of socket: Int32) throws(WireFailure) -> Piece {
    let result = unsafe withUnsafeTemporaryAllocation(byteCount: Self.room, alignment: 16) {
      buffer -> Result<Piece, WireFailure> in
      guard let start = buffer.baseAddress else { return .success(Piece(status: ENOMEM)) }
      var hasDescriptors = false
      let peeked = unsafe linux_peek(socket, start, Self.room, &hasDescriptors)
      guard peeked >= 0 else { return .success(Piece(status: Int32(-peeked))) }
      guard !hasDescriptors || adopt != nil else { return .failure(.unwantedDescriptors) }
      let end = unsafe memchr(start, 0, peeked)
      let wanted = unsafe end.map { unsafe $0 - UnsafeMutableRawPointer(start) + 1 } ?? peeked
      let wantedBuffer = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
      return unsafe .success(receive(socket, wantedBuffer))
    }
    return try result.get()
  }

  private func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Piece {
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
