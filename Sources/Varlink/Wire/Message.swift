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
