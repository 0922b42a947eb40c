// Journal room. Where bytes leave the process: the standard streams, and datagrams to the journal
// and the service manager. Any thread except a dispatcher's; no lock.
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
