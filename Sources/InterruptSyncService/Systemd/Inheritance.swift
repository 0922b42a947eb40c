import UIO

/// A device as it is opened: anew, or with what an earlier process left of it.
struct Inheritance {
  let device: UIODevice
  /// PCI configuration space, where it was inherited.
  var configuration: FileDescriptor?
  /// Interrupts that the earlier process took and did not account for.
  var taken: UInt32 = 0
  /// Whether the earlier process' descriptor goes on.
  var isContinued = false
}
