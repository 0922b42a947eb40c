// A socket in place of the service manager or the journal.
import Glibc
import TestSupport
import UIO

/// A bound datagram socket.
final class FakeReceiver: Sendable {
  struct Message {
    var bytes: [UInt8]
    var descriptors: [FileDescriptor]
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
  }

  let address: String
  private let file: FileDescriptor
  private let folder: TemporaryFolder

  /// - Parameter isAbstract: a name instead of a path.
  init(isAbstract: Bool = false) throws {
    folder = try TemporaryFolder()
    address = (isAbstract ? "@" : "") + folder.path("socket")
    file = FileDescriptor(adopting: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
    var socketAddress = sockaddr_un()
    socketAddress.sun_family = sa_family_t(AF_UNIX)
    let name = Array(address.utf8)
    withUnsafeMutableBytes(of: &socketAddress.sun_path) { path in
      path.copyBytes(from: name)
      if isAbstract { path[0] = 0 }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1))
    let result = withUnsafePointer(to: &socketAddress) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file.raw, $0, length) }
    }
    guard result == 0 else { throw SystemError(errno) }
  }

  /// The next message, waited for `milliseconds` at most.
  func next(within milliseconds: Int32 = 20_000) -> Message? {
    var polled = pollfd(fd: file.raw, events: Int16(POLLIN), revents: 0)
    guard poll(&polled, 1, milliseconds) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    // Aligned as the headers in it are.
    var control = [UInt64](repeating: 0, count: 200)
    let (count, controlLength) = bytes.withUnsafeMutableBytes { buffer in
      control.withUnsafeMutableBytes { ancillary in
        var part = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        return withUnsafeMutablePointer(to: &part) { part in
          var message = msghdr()
          message.msg_iov = part
          message.msg_iovlen = 1
          message.msg_control = ancillary.baseAddress
          message.msg_controllen = ancillary.count
          return (
            recvmsg(file.raw, &message, Int32(MSG_CMSG_CLOEXEC)), message.msg_controllen
          )
        }
      }
    }
    guard count >= 0 else { return nil }
    return Message(
      bytes: Array(bytes.prefix(count)), descriptors: Self.descriptors(control, controlLength))
  }

  /// One header of 16 bytes, its length first, and the numbers behind it.
  private static func descriptors(_ control: [UInt64], _ length: Int) -> [FileDescriptor] {
    guard length >= 16 else { return [] }
    return control.withUnsafeBytes { bytes in
      let end = bytes.load(as: Int.self)
      return stride(from: 16, to: end, by: 4).map {
        FileDescriptor(adopting: bytes.load(fromByteOffset: $0, as: Int32.self))
      }
    }
  }

  func environment(_ more: [String: String] = [:]) -> [String: String] {
    more.merging(["NOTIFY_SOCKET": address]) { first, _ in first }
  }
}

/// A pipe's two ends.
func makePipe() -> (reading: FileDescriptor, writing: FileDescriptor) {
  var ends: [Int32] = [-1, -1]
  _ = pipe(&ends)
  return (FileDescriptor(adopting: ends[0]), FileDescriptor(adopting: ends[1]))
}
