import CUIO
import Glibc
package import UIO

/// Data goes to standard output, and what is wrong with files to standard error; other messages are
/// the Journal's.
public enum Console {
  public static func out(_ line: String) { write(1, line + "\n") }
  /// Text with its newlines, as data.
  package static func show(_ text: String) { write(1, text) }
  /// What is wrong with files: without the program's name in front, so that editors find the place.
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
  /// A path, or a name in the abstract namespace behind an @.
  package let address: String
  private let file: FileDescriptor

  /// - Parameter patience: milliseconds that a send waits for room; 0: it fails instead.
  /// - Returns: nil when there is no descriptor to be had.
  package init?(to address: String, patience: Int32) {
    let fd = cuio_datagram_create(patience)
    guard fd >= 0 else { return nil }
    file = FileDescriptor(adopting: fd)
    self.address = address
  }

  /// Any thread.
  /// - Returns: 0 or the error number.
  package func send(_ bytes: [UInt8], descriptors: [FileDescriptor] = []) -> Int32 {
    let numbers = descriptors.map(\.raw)
    let result = unsafe bytes.withUnsafeBytes {
      unsafe cuio_datagram_send(
        file.raw, address, $0.baseAddress, $0.count, numbers, numbers.count)
    }
    // Passed on by number: they have to be open until now.
    withExtendedLifetime(descriptors) {}
    return -result
  }
}
