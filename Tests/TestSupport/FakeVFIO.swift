// A PCI function behind vfio-pci as its kernel shows it: a corner of sysfs and /dev, a file for the
// device, and a kernel that keeps the rules of docs/vfio.md about vectors.
package import CVFIO
package import DeviceIdentity
import Glibc
package import LinuxSystem
package import VFIO

package final class FakeVFIO: VFIOKernel, Sendable {
  package static let address = PCIAddress("0000:01:00.0")!
  /// Where region N begins in the device's file.
  package static let spacing: UInt64 = 1 << 20

  package struct State {
    package var counts: [UInt32: Int32] = [2: 4]
    package var isViable: Int32 = 1
    package var joining: Int32 = 0
    package var usingIOMMU: Int32 = 0
    package var opening: Int32 = 0
    package var resets = 0
    package var canReset: Int32 = 1
    package var isMappable = true
    package var arming: Int32 = 0
    /// The index that is enabled, and its vectors; nil is a hole (V23, V24).
    package var enabled: UInt32?
    package var vectors: [FileDescriptor?] = []
    package var request: FileDescriptor?
    package var error: FileDescriptor?
    package var unmask: FileDescriptor?
    package var isMasked = false
    /// What a mapping of memory answers, and what is mapped: address, length, who may do what.
    package var mapping: Int32 = 0
    package var mapped: [UInt64: String] = [:]
    /// Each call that changes an interrupt.
    package var log: [String] = []
  }

  package let state = Guarded(State())
  package let folder: TemporaryFolder
  package let device: FileDescriptor
  /// Called while a device is being opened.
  package let whileOpening = Guarded<(@Sendable () -> Void)?>(nil)
  /// Calls of a routine's while a reset lasts.
  package let duringReset = Guarded<(@Sendable () -> Void)?>(nil)

  package var sysfs: Sysfs { Sysfs(root: folder.path("sys"), devices: folder.path("dev")) }

  package init(_ change: (inout State) -> Void = { _ in }) throws {
    folder = try TemporaryFolder()
    try folder.write("device", "")
    device = try FileDescriptor.open(folder.path("device"), O_RDWR)
    _ = ftruncate(device.raw, off_t(Self.spacing * 9))
    state.withLock { change(&$0) }
    try makeTree()
    // Class and revision, and memory decoding on.
    write([0x36, 0x1b, 0x06, 0x00, 2, 0], at: 0)
    write([1, 0, 0, 2], at: 8)
  }

  private func makeTree() throws {
    let function = "sys/bus/pci/devices/\(Self.address)"
    try folder.write("\(function)/vendor", "0x1b36\n")
    try folder.write("\(function)/device", "0x0006\n")
    try folder.folder("sys/kernel/iommu_groups/9/devices")
    try folder.link("\(function)/iommu_group", to: "../../../../kernel/iommu_groups/9")
    try folder.link("\(function)/driver", to: "../../drivers/vfio-pci")
    try folder.write("dev/vfio/vfio", "")
    try folder.write("dev/vfio/9", "")
  }

  /// Bytes of the configuration space.
  package func write(_ bytes: [UInt8], at offset: Int) {
    _ = pwrite(device.raw, bytes, bytes.count, off_t(Self.spacing * 7) + off_t(offset))
  }

  package func configuration(at offset: Int) -> UInt8 {
    var byte: UInt8 = 0
    _ = pread(device.raw, &byte, 1, off_t(Self.spacing * 7) + off_t(offset))
    return byte
  }

  package func open(
    _ interrupt: VFIOInterrupt? = nil, report: (@Sendable (VFIOReport) -> Void)? = nil
  ) throws(UIOError) -> VFIODevice {
    try VFIODevice(Self.address, interrupt, sysfs, self, report)
  }

  /// Descriptors and mappings of the device that the opened one has, not counting the fake's own.
  package var links: Int {
    let own = (try? FileDescriptor.link("/proc/self/fd/\(device.raw)")) ?? ""
    let descriptors = ((try? FileDescriptor.list("/proc/self/fd")) ?? []).filter {
      $0 != "\(device.raw)" && (try? FileDescriptor.link("/proc/self/fd/\($0)")) == own
        && isDevice(Int32($0) ?? -1)
    }
    let maps = ((try? FileDescriptor.wholeText("/proc/self/maps")) ?? "").split(separator: "\n")
    return descriptors.count + maps.count { $0.hasSuffix(own) && $0.contains(" \(inode) ") }
  }

  private var inode: UInt64 {
    var status = stat()
    return fstat(device.raw, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  private func isDevice(_ descriptor: Int32) -> Bool {
    var own = stat()
    var other = stat()
    return fstat(device.raw, &own) == 0 && fstat(descriptor, &other) == 0
      && own.st_ino == other.st_ino && own.st_dev == other.st_dev
  }

  // MARK: What the device and the host do

  /// The device interrupts; false where nothing is armed or it is masked.
  @discardableResult
  package func interrupt(_ vector: Int = 0) -> Bool {
    state.withLock { state in
      guard state.vectors.indices.contains(vector), let event = state.vectors[vector],
        !state.isMasked
      else { return false }
      if state.enabled == 0 { state.isMasked = true }
      signal(event)
      return true
    }
  }

  /// What was written to the eventfd that unmasks INTx has unmasked it.
  package func consumeUnmask() -> Bool {
    state.withLock { state in
      guard let event = state.unmask else { return false }
      var value: UInt64 = 0
      guard read(event.raw, &value, 8) == 8 else { return false }
      state.isMasked = false
      return true
    }
  }

  /// The device interrupts by INTx.
  package var isLevel: Bool { state.withLock { $0.enabled == 0 } }

  package func wantBack() { state.withLock { $0.request.map(signal) } }
  package func reportError() { state.withLock { $0.error.map(signal) } }
  package var log: [String] { state.withLock { $0.log } }

  private func signal(_ event: FileDescriptor) {
    var one: UInt64 = 1
    _ = Glibc.write(event.raw, &one, 8)
  }

  // MARK: VFIOKernel

  package func isViable(_ group: FileDescriptor) -> Int32 { state.withLock { $0.isViable } }
  package func join(_ group: FileDescriptor, _ container: FileDescriptor) -> Int32 {
    state.withLock { $0.joining }
  }
  package func useIOMMU(_ container: FileDescriptor) -> Int32 { state.withLock { $0.usingIOMMU } }

  package func openDevice(_ address: String, in group: FileDescriptor) -> Int32 {
    whileOpening.withLock { $0 }?()
    let result = state.withLock { $0.opening }
    return result < 0 ? result : fcntl(device.raw, F_DUPFD_CLOEXEC, 0)
  }

  package func canReset(_ device: FileDescriptor) -> Int32 { state.withLock { $0.canReset } }

  package func reset(_ device: FileDescriptor) -> Int32 {
    duringReset.withLock { $0 }?()
    state.withLock { $0.resets += 1 }
    return 0
  }

  package func region(
    _ device: FileDescriptor, _ index: UInt32, _ region: inout cvfio_region
  ) -> Int32 {
    let isMappable = state.withLock { $0.isMappable }
    let size: UInt64 = index == 7 ? 4096 : index == 0 ? 8192 : index == 2 ? 256 : 0
    region = cvfio_region(
      size: size, offset: UInt64(index) * Self.spacing, is_mappable: isMappable && index == 0)
    return 0
  }

  package func count(_ device: FileDescriptor, _ index: cvfio_index) -> Int32 {
    state.withLock { $0.counts[index.rawValue] ?? (index == CVFIO_REQUEST ? 1 : 0) }
  }

  package func enable(_ device: FileDescriptor, _ index: cvfio_index, _ count: UInt32) -> Int32 {
    state.withLock { state in
      guard state.enabled == nil || state.enabled == index.rawValue else { return -EINVAL }
      state.enabled = index.rawValue
      state.vectors = Array(repeating: nil, count: Int(count))
      state.log.append("enable \(count)")
      return 0
    }
  }

  package func arm(
    _ device: FileDescriptor, _ index: cvfio_index, _ vector: UInt32, _ event: FileDescriptor?
  ) -> Int32 {
    // The kernel keeps what is behind the number, whatever becomes of that.
    let kept = event.map { FileDescriptor(adopting: fcntl($0.raw, F_DUPFD_CLOEXEC, 0)) }
    return state.withLock { state in
      switch index {
      case CVFIO_REQUEST: state.request = kept
      case CVFIO_ERROR: state.error = kept
      default:
        if state.arming < 0, event != nil {
          state.log.append("refuse \(vector)")
          return state.arming
        }
        if index == CVFIO_INTX, state.enabled == nil {
          state.enabled = 0
          state.vectors = [nil]
        }
        guard state.enabled == index.rawValue, Int(vector) < state.vectors.count else {
          return -EINVAL
        }
        state.vectors[Int(vector)] = kept
        state.log.append(event == nil ? "take \(vector)" : "give \(vector)")
      }
      return 0
    }
  }

  package func disable(_ device: FileDescriptor, _ index: cvfio_index) -> Int32 {
    state.withLock { state in
      guard state.enabled == index.rawValue else { return -EINVAL }
      state.enabled = nil
      state.vectors = []
      state.log.append("disable")
      return 0
    }
  }

  package func trigger(_ device: FileDescriptor, _ index: cvfio_index, _ vector: UInt32) -> Int32 {
    state.withLock { state in
      guard state.enabled == index.rawValue, Int(vector) < state.vectors.count else {
        return -EINVAL
      }
      // A hole is nothing to the kernel, and no error (V27).
      if let event = state.vectors[Int(vector)] { signal(event) }
      return 0
    }
  }

  package func mask(_ device: FileDescriptor) -> Int32 {
    state.withLock { state in
      guard state.enabled == 0 else { return -ENOTTY }
      state.isMasked = true
      state.log.append("mask")
      return 0
    }
  }

  package func unmask(_ device: FileDescriptor, by event: FileDescriptor) -> Int32 {
    state.withLock { state in
      state.unmask = FileDescriptor(adopting: fcntl(event.raw, F_DUPFD_CLOEXEC, 0))
      return 0
    }
  }
}

extension FakeVFIO {
  package var mappings: [String] {
    state.withLock { $0.mapped.sorted { $0.key < $1.key }.map(\.value) }
  }

  package func ranges(_ container: FileDescriptor, _ ranges: inout [cvfio_dma_range]) -> Int32 {
    ranges[0] = cvfio_dma_range(first: 0, last: 0xfedf_ffff)
    ranges[1] = cvfio_dma_range(first: 0xfef0_0000, last: 0xffff_ffff_ffff)
    return 2
  }

  package func map(
    _ container: FileDescriptor, _ memory: UnsafeMutableRawBufferPointer, _ address: UInt64,
    reads: Bool, writes: Bool
  ) -> Int32 {
    state.withLock { state in
      guard state.mapping == 0 else { return state.mapping }
      guard state.mapped[address] == nil else { return -EEXIST }
      let rights = (reads ? "r" : "") + (writes ? "w" : "")
      state.mapped[address] = "0x\(String(address, radix: 16)) \(memory.count) \(rights)"
      return 0
    }
  }

  package func unmap(_ container: FileDescriptor, _ address: UInt64, _ length: Int) -> Int32 {
    state.withLock { $0.mapped[address] = nil }
    return 0
  }
}
