import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// What tells one open file from others.
func inode(_ file: FileDescriptor) -> UInt64 {
  var status = stat()
  return fstat(file.raw, &status) == 0 ? UInt64(status.st_ino) : 0
}

/// Whether a descriptor that was sent away is open anywhere still: a pipe's writing end of which
/// the sender keeps none.
struct Canary {
  private let ear: FileDescriptor

  /// Sends bytes with a new canary, or with several.
  static func send(_ count: Int = 1, with bytes: [UInt8], over socket: FileDescriptor) throws
    -> Canary
  {
    let (ear, end) = try pipeEnds()
    try give([Int32](repeating: end.raw, count: count), with: bytes, over: socket)
    return Canary(ear: ear)
  }

  /// Sends bytes with a socket whose last close waits, and keeps none of it.
  static func sendLingering(with bytes: [UInt8], over socket: FileDescriptor) throws
    -> LingeringSocket
  {
    let lingering = try LingeringSocket()
    do { try give([lingering.raw], with: bytes, over: socket) } catch {
      lingering.discard()
      throw error
    }
    close(lingering.raw)
    return lingering
  }

  private static func give(
    _ raw: [Int32], with bytes: [UInt8], over socket: FileDescriptor
  ) throws {
    let sent = linux_send(socket.raw, bytes, bytes.count, raw, raw.count)
    guard sent == bytes.count else { throw SystemError(Int32(-sent)) }
  }

  var isAlive: Bool {
    var byte: UInt8 = 0
    return read(ear.raw, &byte, 1) < 0 && errno == EAGAIN
  }

  /// Waits until it is closed everywhere; false when it is not in time.
  var dies: Bool { hangsUp(ear) }
}

/// Waits until the other end of a pipe or socket is closed everywhere; false when it is not in time.
func hangsUp(_ file: FileDescriptor) -> Bool {
  var entry = pollfd(fd: file.raw, events: 0, revents: 0)
  return poll(&entry, 1, 20_000) == 1 && entry.revents & Int16(POLLHUP) != 0
}
