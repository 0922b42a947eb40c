// What this module asks the kernel about containers, groups and devices, so that tests can answer
// in its place. Floor 3. IOMMUGroup, DMASpace, VFIOVectors and VFIODevice call it, each with its
// monitor held; without one only what VFIODevice and VFIOVectors ask while a device is opened, and
// the notices armed again in a child that takes it over. Threads: any at PASSIVE_LEVEL (in the
// daemon `vfio-opener` opens), the dispatcher that brakes, `vfio notices`. No interrupt lock is
// held, but `arm` and `disable` come with it where an object ends inside a routine and detaches
// its line. Every call answers 0 or -errno unless it says otherwise.
package import CVFIO
import Glibc
package import LinuxSystem

/// The kernel's VFIO, or what a test has instead. Paths are opened through `FileDescriptor`.
package protocol VFIOKernel: Sendable {
  /// 1, 0 or -errno.
  func isViable(_ group: FileDescriptor) -> Int32
  func join(_ group: FileDescriptor, _ container: FileDescriptor) -> Int32
  func useIOMMU(_ container: FileDescriptor) -> Int32
  /// The device's descriptor or -errno.
  func openDevice(_ address: String, in group: FileDescriptor) -> Int32

  /// 1, 0 or -errno.
  func canReset(_ device: FileDescriptor) -> Int32
  func reset(_ device: FileDescriptor) -> Int32
  func region(_ device: FileDescriptor, _ index: UInt32, _ region: inout cvfio_region) -> Int32

  /// How many vectors, or -errno.
  func count(_ device: FileDescriptor, _ index: cvfio_index) -> Int32
  /// Enables an index with so many vectors, all of them holes.
  func enable(_ device: FileDescriptor, _ index: cvfio_index, _ count: UInt32) -> Int32
  /// Gives a vector its eventfd; nil takes it away.
  func arm(
    _ device: FileDescriptor, _ index: cvfio_index, _ vector: UInt32, _ event: FileDescriptor?
  ) -> Int32
  func disable(_ device: FileDescriptor, _ index: cvfio_index) -> Int32
  func trigger(_ device: FileDescriptor, _ index: cvfio_index, _ vector: UInt32) -> Int32
  func mask(_ device: FileDescriptor) -> Int32
  func unmask(_ device: FileDescriptor, by event: FileDescriptor) -> Int32

  /// Fills `ranges` from its start on. How many there are, or -errno.
  func ranges(_ container: FileDescriptor, _ ranges: inout [cvfio_dma_range]) -> Int32
  func map(
    _ container: FileDescriptor, _ memory: UnsafeMutableRawBufferPointer, _ address: UInt64,
    reads: Bool, writes: Bool
  ) -> Int32
  func unmap(_ container: FileDescriptor, _ address: UInt64, _ length: Int) -> Int32
}

/// The kernel itself.
package struct SystemVFIO: VFIOKernel {
  package init() {}

  package func isViable(_ group: FileDescriptor) -> Int32 { cvfio_group_is_viable(group.raw) }

  package func join(_ group: FileDescriptor, _ container: FileDescriptor) -> Int32 {
    cvfio_group_join(group.raw, container.raw)
  }

  package func useIOMMU(_ container: FileDescriptor) -> Int32 {
    cvfio_container_use_iommu(container.raw)
  }

  package func openDevice(_ address: String, in group: FileDescriptor) -> Int32 {
    unsafe cvfio_group_open_device(group.raw, address)
  }

  package func canReset(_ device: FileDescriptor) -> Int32 { cvfio_device_can_reset(device.raw) }

  package func reset(_ device: FileDescriptor) -> Int32 { cvfio_device_reset(device.raw) }

  package func region(
    _ device: FileDescriptor, _ index: UInt32, _ region: inout cvfio_region
  ) -> Int32 {
    unsafe cvfio_device_region(device.raw, index, &region)
  }

  package func count(_ device: FileDescriptor, _ index: cvfio_index) -> Int32 {
    cvfio_interrupt_count(device.raw, index)
  }

  package func enable(_ device: FileDescriptor, _ index: cvfio_index, _ count: UInt32) -> Int32 {
    cvfio_interrupt_enable(device.raw, index, count)
  }

  package func arm(
    _ device: FileDescriptor, _ index: cvfio_index, _ vector: UInt32, _ event: FileDescriptor?
  ) -> Int32 {
    var number = event?.raw ?? -1
    return unsafe cvfio_interrupt_arm(device.raw, index, vector, 1, &number)
  }

  package func disable(_ device: FileDescriptor, _ index: cvfio_index) -> Int32 {
    cvfio_interrupt_disable(device.raw, index)
  }

  package func trigger(_ device: FileDescriptor, _ index: cvfio_index, _ vector: UInt32) -> Int32 {
    cvfio_interrupt_trigger(device.raw, index, vector)
  }

  package func mask(_ device: FileDescriptor) -> Int32 { cvfio_interrupt_mask(device.raw, true) }

  package func unmask(_ device: FileDescriptor, by event: FileDescriptor) -> Int32 {
    cvfio_interrupt_unmask_by(device.raw, event.raw)
  }

  package func ranges(
    _ container: FileDescriptor, _ ranges: inout [cvfio_dma_range]
  ) -> Int32 {
    unsafe cvfio_dma_ranges(container.raw, &ranges, ranges.count)
  }

  package func map(
    _ container: FileDescriptor, _ memory: UnsafeMutableRawBufferPointer, _ address: UInt64,
    reads: Bool, writes: Bool
  ) -> Int32 {
    guard let start = memory.baseAddress else { return -EINVAL }
    return unsafe cvfio_dma_map(container.raw, start, address, memory.count, reads, writes)
  }

  package func unmap(_ container: FileDescriptor, _ address: UInt64, _ length: Int) -> Int32 {
    cvfio_dma_unmap(container.raw, address, length)
  }
}
