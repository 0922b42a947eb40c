// Journal room. Where bytes leave the process: the standard streams, and datagrams to the journal
// and the service manager. Journal, StatusPrinter, ServiceManager and `main` call it: on the
// control thread, or on any other that logs, except a dispatcher's. It takes no lock; Journal calls
// it with its monitor held. `offer` never waits, nor does a datagram without a timeout; the others
// may.
import CUIO
import Glibc
package import LinuxSystem

/// Data goes to standard output, and faults of files to standard error. Other messages are the
/// Journal's.
public enum Console {
  public static func out(_ line: String) { write(1, line + "\n") }
  /// Prints text that has newlines of its own, as data.
  package static func show(_ text: String) { write(1, text) }
  /// Prints faults of files, without the program's name in front, so that editors find the place.
  package static func complain(_ text: String) { write(2, text + "\n") }

  static func write(_ descriptor: Int32, _ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 {
        if errno == EINTR { continue }
        return
      }
      bytes = bytes.dropFirst(written)
    }
  }
}

extension Console {
  /// A pipe that is ready takes so much without waiting (POSIX's PIPE_BUF, as Linux has it).
  private static let piece = 4096

  /// Writes what the descriptor takes at once, for a thread that must not wait for a reader: a pager
  /// that shows its first page, a stopped terminal. O_NONBLOCK would do it too, but belongs to the
  /// open file, which other programs have as well. Another writer of the same pipe can still take
  /// the room between the look and the write.
  /// - Returns: whether all of it was written.
  static func offer(_ descriptor: Int32, _ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard unsafe poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLOUT) != 0 else {
        return false
      }
      let written = unsafe bytes.prefix(piece).withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0, errno != EINTR { return false }
      bytes = bytes.dropFirst(max(written, 0))
    }
    return true
  }

  /// As `out`, for the daemon: a line for which there is no room is left out.
  package static func offer(_ line: String) { _ = offer(1, line + "\n") }
}

/// Sends datagrams to one address.
package struct DatagramSocket: Sendable {
  /// A path, or @ and a name in the abstract namespace.
  package let address: String
  private let file: FileDescriptor

  /// - Parameter timeout: milliseconds that a send waits for room; 0: it fails instead.
  /// - Returns: nil if the process cannot open another descriptor.
  package init?(to address: String, timeout: Int32) {
    let fd = linux_datagram_create(timeout)
    guard fd >= 0 else { return nil }
    file = FileDescriptor(adopting: fd)
    self.address = address
  }

  /// - Returns: 0 or the error number.
  package func send(_ bytes: [UInt8], descriptors: [FileDescriptor] = []) -> Int32 {
    let numbers = descriptors.map(\.raw)
    let result = unsafe bytes.withUnsafeBytes {
      unsafe linux_datagram_send(
        file.raw, address, $0.baseAddress, $0.count, numbers, numbers.count)
    }
    // They are passed by number, and must stay open until now.
    withExtendedLifetime(descriptors) {}
    return -result
  }
}
