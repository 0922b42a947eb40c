// Floor 5. What the far side of a remote connection runs: bytes go from standard input to a service's
// socket, and from there to standard output. `interruptsyncctl bridge` runs it, started by ssh or in a
// container, on its one thread; no lock. Descriptors that the service sends are closed here.
import CLinuxSystem
import Glibc
import LinuxSystem

/// Joins this process's standard input and output with a service's socket.
package struct StandardStreamBridge {
  private let socket: FileDescriptor
  private let name: String
  private var unsent: ArraySlice<UInt8> = []
  /// Standard input may still have bytes for the service.
  private var isOpen = true

  /// - Parameter address: a path, `unix:PATH` or `unix:@NAME`.
  /// - Throws: as `VarlinkClient.init`.
  package init(_ address: String, timeout: Duration) throws(VarlinkError) {
    name = address
    let place = try SocketAddress(address)
    do throws(SystemError) {
      socket = try place.connect(milliseconds: max(timeout.nanoseconds / 1_000_000, 1))
    } catch {
      throw VarlinkError(error, object: address, operation: "connect")
    }
  }

  /// Carries bytes until the service closes its end, or the reader of standard output is gone. The end of
  /// standard input ends the calls to the service, and not its answers.
  /// - Throws: `disconnected`, `unexpected`.
  package mutating func run() throws(VarlinkError) {
    do throws(SystemError) {
      while true {
        // The service may wait for its answers to be read before it reads on: neither way waits for
        // the other.
        let reads = isOpen && unsent.isEmpty
        var entries = [
          pollfd(fd: reads ? 0 : -1, events: Int16(POLLIN), revents: 0),
          pollfd(
            fd: socket.raw, events: Int16(unsent.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0),
          pollfd(fd: 1, events: 0, revents: 0),
        ]
        guard unsafe poll(&entries, 3, -1) >= 0 else {
          if errno == EINTR { continue }
          throw SystemError(errno)
        }
        if entries[2].revents != 0 { return }
        if entries[0].revents != 0 { try takeInput() }
        if !unsent.isEmpty { try send() }
        if entries[1].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
          guard try passAnswer() else { return }
        }
      }
    } catch {
      throw VarlinkError(error, object: name, operation: "carry a connection")
    }
  }

  private mutating func takeInput() throws(SystemError) {
    guard let bytes = try Self.read(0) else { return }
    unsent = bytes[...]
    guard bytes.isEmpty else { return }
    isOpen = false
    shutdown(socket.raw, Int32(SHUT_WR))
  }

  private mutating func send() throws(SystemError) {
    let sent = unsafe unsent.withUnsafeBytes { bytes in
      unsafe linux_send(socket.raw, bytes.baseAddress!, bytes.count, nil, 0)
    }
    switch sent {
    case Int(-EAGAIN): return
    case ..<0: throw SystemError(Int32(-sent))
    default: unsent = unsent.dropFirst(sent)
    }
  }

  /// False at the end.
  private func passAnswer() throws(SystemError) -> Bool {
    guard let bytes = try Self.read(socket.raw) else { return true }
    var left = bytes[...]
    while !left.isEmpty {
      let written = unsafe left.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
      if written >= 0 { left = left.dropFirst(written) } else { try Self.waitToWrite(errno) }
    }
    return !bytes.isEmpty
  }

  /// Empty at the end; nil when none wait. Not by recvmsg(2), so that the kernel closes descriptors.
  private static func read(_ descriptor: Int32) throws(SystemError) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
    guard count < 0 else { return Array(bytes.prefix(count)) }
    switch errno {
    case EAGAIN, EINTR: return nil
    case ECONNRESET: return []
    default: throw SystemError(errno)
    }
  }

  /// Standard output may be a file that does not block: another process may have set it so.
  private static func waitToWrite(_ error: Int32) throws(SystemError) {
    guard error == EAGAIN || error == EINTR else { throw SystemError(error) }
    var entry = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
    _ = unsafe poll(&entry, 1, -1)
  }
}
