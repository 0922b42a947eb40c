// What a process hands to the next one of an open function, so that no interrupt is lost between
// them. Floor 3. VFIODevice makes it for the service manager's store, the daemon's VFIOFunctions
// from that store, both on the control thread; IOMMUGroup and VFIOVectors read it on `vfio-opener`.
// A value, without a lock.
package import LinuxSystem

/// The descriptors of an open function. The kernel keeps its interrupts going as long as the device's is open in some
/// process (V37).
package struct VFIODescriptors: Sendable {
  package let device: FileDescriptor
  package let group: FileDescriptor
  package let container: FileDescriptor
  /// The kind of interrupt whose vectors the earlier process enabled; nil: none, or it is not known.
  package var enabled: VFIOInterrupt?

  package init(
    device: FileDescriptor, group: FileDescriptor, container: FileDescriptor,
    enabled: VFIOInterrupt?
  ) {
    self.device = device
    self.group = group
    self.container = container
    self.enabled = enabled
  }
}
