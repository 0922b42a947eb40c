// Memory at physical addresses: huge pages, pinned, of which buffers take parts. A huge page is one
// piece, and pinned it stays where it is (facts 60, 61); 2 MiB are a lot for a ring of a sound
// card, so all buffers of the process share them. Floor 3. DMABuffer takes parts for UIO devices
// without an IOMMU, and gives them back, on any thread at PASSIVE_LEVEL without an interrupt lock.
// A monitor guards which parts are taken, and is held while the kernel makes a page.
package import DeviceIdentity
package import DeviceRegisters
import Glibc
import LinuxSystem
import Synchronization

/// The huge pages of the process, and which parts of them are taken.
package final class MachineMemory: @unchecked Sendable {
  package static let shared = MachineMemory(SystemMemory())
  /// Pages that are tried before none is low enough for a device.
  package static let attempts = 64

  private let kernel: any MemoryKernel
  private let monitor = Monitor()
  /// The generation of the process whose pages these are.
  private let process = Atomic<UInt32>(ProcessOwner().generation)
  /// Guarded by `monitor`; each has a part that is taken.
  private var pages: [HugePage] = []

  package init(_ kernel: any MemoryKernel) { self.kernel = kernel }

  /// Takes cleared memory in one piece, which goes back with the last reference.
  ///
  /// - Parameters:
  ///   - last: the highest address that the device reaches.
  ///   - sizes: of the machine's huge pages, the smallest first.
  /// - Throws: `resourcesExhausted`, `permissionDenied`, `unsupported`.
  package func take(
    _ extent: DMAExtent, last: UInt64, _ sizes: [Int], _ name: String
  ) throws(UIOError) -> any DMAMemory {
    enterProcess()
    return try monitor.locked { () throws(UIOError) in
      for page in pages {
        if let address = page.take(extent, last: last) { return part(of: page, address, extent) }
      }
      let (page, address) = try newPage(extent, last: last, sizes, name)
      pages.append(page)
      return part(of: page, address, extent)
    }
  }

  private func part(of page: HugePage, _ address: UInt64, _ extent: DMAExtent) -> MemoryPart {
    let part = MemoryPart(page, address, extent.length, self)
    // Another buffer may have had it.
    unsafe part.pages.initializeMemory(as: UInt8.self, repeating: 0)
    return part
  }

  fileprivate func give(_ address: UInt64, of page: HugePage) {
    enterProcess()
    // Unmapped after the monitor.
    let unused = monitor.locked { () -> HugePage? in
      guard page.give(address) else { return nil }
      pages.removeAll { $0 === page }
      return page
    }
    withExtendedLifetime(unused) {}
  }

  /// The smallest that is large enough and low enough, with a part taken. Those that are too high
  /// are kept meanwhile, so that the kernel gives others.
  private func newPage(
    _ extent: DMAExtent, last: UInt64, _ sizes: [Int], _ name: String
  ) throws(UIOError) -> (HugePage, UInt64) {
    let fitting = sizes.filter { $0 >= extent.length && $0 >= extent.alignment }
    var tooHigh: [HugePage] = []
    var failure = Self.none(of: sizes, extent, name)
    for size in fitting {
      while tooHigh.count < Self.attempts {
        let page: HugePage
        do throws(UIOError) { page = try HugePage(size, kernel, name) } catch {
          failure = error
          // None is free: perhaps a larger one is.
          guard error.operation == MemoryOperation.map.rawValue, error.code == .resourcesExhausted
          else { throw error }
          break
        }
        if let address = page.take(extent, last: last) { return (page, address) }
        tooHigh.append(page)
      }
    }
    guard !tooHigh.isEmpty else { throw failure }
    throw UIOError(
      .resourcesExhausted, device: name, operation: MemoryOperation.map.rawValue,
      cause: "the device reaches addresses up to 0x\(String(last, radix: 16)), "
        + "and no free huge page is that low",
      hint:
        "reserve huge pages at boot, when low memory is free: hugepages=64 on the kernel's command line",
      errno: ENOSPC)
  }

  private static func none(of sizes: [Int], _ extent: DMAExtent, _ name: String) -> UIOError {
    guard let largest = sizes.last else {
      return UIOError(
        .unsupported, device: name, operation: MemoryOperation.map.rawValue,
        cause: "the kernel has no huge pages (CONFIG_HUGETLBFS)",
        hint: "use a kernel that has them, or vfio-pci behind an IOMMU")
    }
    return UIOError(
      .unsupported, device: name, operation: MemoryOperation.map.rawValue,
      cause: "without an IOMMU a buffer is a part of one huge page, and the largest here has "
        + "\(largest) bytes",
      hint: "make several buffers, or reserve larger pages at boot: hugepagesz=1G hugepages=1")
  }

  /// A forked child has the memory of its parent's devices, and takes no parts of it.
  private func enterProcess() {
    let current = ProcessOwner().generation
    guard process.exchange(current, ordering: .relaxed) != current else { return }
    monitor.reinitialize()
    pages = []
  }
}

/// One huge page, pinned. Its owner's monitor guards it.
@safe private final class HugePage: @unchecked Sendable {
  let memory: UnsafeMutableRawBufferPointer
  let first: UInt64
  private let kernel: any MemoryKernel
  private let pin: FileDescriptor
  private let owner = ProcessOwner()
  private var addresses: DMAAddresses
  private var parts = 0

  /// - Throws: `resourcesExhausted`, `permissionDenied`, `unsupported`, `unexpected`.
  init(_ size: Int, _ kernel: any MemoryKernel, _ name: String) throws(UIOError) {
    var start: UnsafeMutableRawPointer?
    let mapped = unsafe kernel.map(size, &start)
    if mapped < 0 { throw MemoryOperation.map.error(-mapped, device: name) }
    let memory = unsafe UnsafeMutableRawBufferPointer(start: start, count: size)
    let descriptor = unsafe kernel.pin(memory)
    if descriptor < 0 {
      unsafe kernel.unmap(memory)
      throw MemoryOperation.pin.error(-descriptor, device: name)
    }
    let pin = FileDescriptor(adopting: descriptor)
    // Only now: pinning may move it out of memory that must stay movable (fact 61).
    var first: UInt64 = 0
    let located = unsafe kernel.locate(memory, &first)
    if located < 0 {
      unsafe kernel.unmap(memory)
      kernel.unpin(pin)
      throw MemoryOperation.locate.error(-located, device: name)
    }
    self.kernel = kernel
    self.pin = pin
    self.first = first
    unsafe self.memory = memory
    addresses = DMAAddresses([first...(first + UInt64(size) - 1)])
  }

  deinit {
    unsafe kernel.unmap(memory)
    // So that the page is free when this returns. A forked child only closes what its parent needs.
    if owner.isCurrent { kernel.unpin(pin) }
  }

  /// The address of a part that is free, the lowest.
  func take(_ extent: DMAExtent, last: UInt64) -> UInt64? {
    let length = UInt64(extent.length)
    guard let address = addresses.take(length, alignment: UInt64(extent.alignment)) else {
      return nil
    }
    guard address <= last, length - 1 <= last - address else {
      addresses.give(address)
      return nil
    }
    parts += 1
    return address
  }

  /// Whether no part of it is taken any more.
  func give(_ address: UInt64) -> Bool {
    addresses.give(address)
    parts -= 1
    return parts == 0
  }
}

/// A part of a huge page, until its last reference goes.
@safe private final class MemoryPart: DMAMemory, @unchecked Sendable {
  let pages: UnsafeMutableRawBufferPointer
  let deviceAddress: UInt64
  private let page: HugePage
  private let owner: MachineMemory

  init(_ page: HugePage, _ address: UInt64, _ length: Int, _ owner: MachineMemory) {
    let offset = Int(address - page.first)
    unsafe pages = UnsafeMutableRawBufferPointer(
      rebasing: page.memory[offset..<offset + length])
    deviceAddress = address
    self.page = page
    self.owner = owner
  }

  deinit { owner.give(deviceAddress, of: page) }
}
