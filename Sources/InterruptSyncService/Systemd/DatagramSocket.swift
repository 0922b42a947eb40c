import CUIO
package import UIO

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
