// DMA buffers of devices without an IOMMU, on a kernel of the tests' own: which huge pages are
// taken, shared and given back, and what refuses them (facts 60 to 63). The guests use the real
// one.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import DeviceRegisters
@testable import UIO

private let mib = 1 << 20
private let gib: UInt64 = 1 << 30

/// Gives huge pages at these physical addresses, in this order, and writes down what it is asked
/// for.
private final class FakeMemory: MemoryKernel, Sendable {
  struct State {
    var places: [UInt64]
    /// Answers other than 0.
    var mapping: [Int: Int32] = [:]
    var pinning: Int32 = 0
    var locating: Int32 = 0
    var log: [String] = []
    /// Pages that are mapped, by their beginnings.
    var mapped: [UInt: UInt64] = [:]
    var pins: [Pin] = []
  }

  /// A file of its own: numbers of descriptors are used again.
  struct Pin {
    let descriptor: Int32
    let file: ino_t

    init(_ descriptor: Int32) {
      self.descriptor = descriptor
      file = Self.file(descriptor) ?? 0
    }

    var isOpen: Bool { Self.file(descriptor) == file }

    private static func file(_ descriptor: Int32) -> ino_t? {
      var status = stat()
      return fstat(descriptor, &status) == 0 ? status.st_ino : nil
    }
  }

  let state: Guarded<State>

  init(_ places: [UInt64]) { state = Guarded(State(places: places)) }

  var log: [String] { state.withLock { $0.log } }
  var mapped: [UInt64] { state.withLock { $0.mapped.values.sorted() } }
  /// Those of the descriptors that are open.
  var openPins: Int { state.withLock { $0.pins.count(where: \.isOpen) } }

  func map(_ size: Int, _ start: inout UnsafeMutableRawPointer?) -> Int32 {
    state.withLock { state in
      state.log.append("map \(size / 1024)K")
      if let answer = state.mapping[size] { return answer }
      guard !state.places.isEmpty else { return -ENOMEM }
      let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let memory, memory != MAP_FAILED else { return -errno }
      start = memory
      state.mapped[UInt(bitPattern: memory)] = state.places.removeFirst()
      return 0
    }
  }

  func pin(_ page: UnsafeMutableRawBufferPointer) -> Int32 {
    state.withLock { state in
      state.log.append("pin")
      if state.pinning < 0 { return state.pinning }
      var ends: [Int32] = [-1, -1]
      _ = pipe(&ends)
      // A program that another test starts must not keep it open.
      _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
      close(ends[0])
      let pin = ends[1]
      state.pins.append(Pin(pin))
      return pin
    }
  }

  func unpin(_ pin: FileDescriptor) { state.withLock { $0.log.append("unpin") } }

  func locate(_ page: UnsafeMutableRawBufferPointer, _ address: inout UInt64) -> Int32 {
    state.withLock { state in
      state.log.append("locate")
      guard let start = page.baseAddress else { return -EINVAL }
      address = state.mapped[UInt(bitPattern: start)] ?? 0
      return state.locating
    }
  }

  func unmap(_ page: UnsafeMutableRawBufferPointer) {
    guard let start = page.baseAddress else { return }
    state.withLock { state in
      state.log.append("unmap")
      state.mapped[UInt(bitPattern: start)] = nil
    }
    munmap(start, page.count)
  }
}

/// A device on a tree of files, and a pool of its own.
private final class Machine {
  let tree: FakeTree
  let device: UIODevice
  let kernel: FakeMemory
  let pool: MachineMemory

  init(_ places: UInt64..., pages: [String] = ["hugepages-2048kB"]) throws {
    tree = try FakeTree(FakeDevice())
    for name in pages { try tree.folder("sys/kernel/mm/hugepages/\(name)") }
    device = try UIODevice(.number(0), sysfs: tree.sysfs)
    kernel = FakeMemory(places)
    pool = MachineMemory(kernel)
  }

  func buffer(
    _ size: Int, alignment: Int = 1, limit: UInt64 = .max
  ) throws(UIOError) -> DMABuffer {
    try DMABuffer(device, size: size, alignment: alignment, addressLimit: limit, of: pool)
  }

  func failure(_ size: Int, alignment: Int = 1, limit: UInt64 = .max) -> UIOError? {
    do throws(UIOError) { _ = try buffer(size, alignment: alignment, limit: limit) } catch {
      return error
    }
    return nil
  }

  func group(_ type: String?) throws {
    try tree.folder("sys/kernel/iommu_groups/7/devices")
    try? tree.remove("sys/kernel/iommu_groups/7/type")
    if let type { try tree.write("sys/kernel/iommu_groups/7/type", "\(type)\n") }
    let link = "\(tree.parent(FakeDevice()))/iommu_group"
    try? tree.remove(link)
    try tree.link(link, to: "../../../kernel/iommu_groups/7")
  }
}

@Test func fact60_buffersShareAHugePageThatGoesWithTheLastOfThem() throws {
  let machine = try Machine(gib, 5 * gib)
  var first: DMABuffer? = try machine.buffer(100)
  var second: DMABuffer? = try machine.buffer(4097, alignment: 0x10000)
  #expect(first?.deviceAddress == gib && second?.deviceAddress == gib + 0x10000)
  #expect(first?.bytes.count == 100 && second?.bytes.count == 4097)
  first?.bytes[99] = 7
  second?.bytes[0] = 9
  // The rest of the page is one part.
  let rest = try machine.buffer(mib)
  #expect(rest.deviceAddress == gib + 0x12000)
  #expect(machine.kernel.log == ["map 2048K", "pin", "locate"])
  first = nil
  // Cleared, as another device may have had it.
  let again = try machine.buffer(4096)
  #expect(again.deviceAddress == gib && again.bytes.allSatisfy { $0 == 0 })
  second = nil
  // What does not fit takes the next page.
  var other: DMABuffer? = try machine.buffer(2 * mib)
  #expect(other?.deviceAddress == 5 * gib && machine.kernel.openPins == 2)
  other = nil
  #expect(machine.kernel.mapped == [gib] && machine.kernel.openPins == 1)
  withExtendedLifetime((rest, again)) {}
}

@Test func fact60_theLastBufferGivesTheHugePageBack() throws {
  let machine = try Machine(gib)
  for _ in 0..<3 {
    machine.kernel.state.withLock { $0.places = [gib] }
    var buffers = try (0..<8).map { _ in try machine.buffer(4096) }
    #expect(Set(buffers.map(\.deviceAddress)).count == 8 && machine.kernel.openPins == 1)
    buffers.removeAll()
    #expect(machine.kernel.mapped == [] && machine.kernel.openPins == 0)
    // Free at once, and not when the kernel has taken its ring apart (fact 64).
    #expect(machine.kernel.log.suffix(2) == ["unmap", "unpin"])
  }
}

@Test func fact61_theAddressIsAskedForOncePinned() throws {
  let machine = try Machine(gib)
  let region = try machine.buffer(4096).region()
  #expect(machine.kernel.log == ["map 2048K", "pin", "locate"])
  // The region keeps the memory.
  try region.write32(0x0102_0304, at: 4092)
  #expect(try region.read32(at: 4092) == 0x0102_0304 && machine.kernel.mapped == [gib])
}

@Test func aDeviceOf32BitsGetsAHugePageThatItReaches() throws {
  let machine = try Machine(5 * gib, 4 * gib, 3 * gib, gib)
  let low = try machine.buffer(mib, limit: 0xffff_ffff)
  #expect(low.deviceAddress == 3 * gib && machine.kernel.mapped == [3 * gib])
  // A part of a page that the process has already, if the device reaches all of it.
  let lower = try machine.buffer(4096, limit: 3 * gib + UInt64(mib) + 4094)
  #expect(lower.deviceAddress == gib)
  let last = try machine.buffer(4096, limit: 3 * gib + UInt64(mib) + 4095)
  #expect(last.deviceAddress == 3 * gib + UInt64(mib))
  let error = try #require(machine.failure(4096, limit: 0xffff))
  #expect(error.code == .resourcesExhausted)
}

@Test func aDeviceThatReachesNoFreeHugePageIsToldSoAndTheyAreGivenBack() throws {
  let machine = try Machine(5 * gib, 6 * gib)
  let error = try #require(machine.failure(4096, limit: 0xffff_ffff))
  #expect(error.code == .resourcesExhausted && error.errno?.rawValue == ENOSPC)
  #expect(error.cause.contains("0xffffffff") && error.hint.contains("hugepages=64"))
  #expect(machine.kernel.mapped == [] && machine.kernel.openPins == 0)
  // No more than so many are taken from others meanwhile.
  machine.kernel.state.withLock { $0.places = (1...100).map { 4 * gib + $0 << 21 } }
  #expect(machine.failure(4096, limit: 0xffff_ffff)?.errno?.rawValue == ENOSPC)
  #expect(machine.kernel.state.withLock { $0.places.count } == 100 - MachineMemory.attempts)
  #expect(machine.kernel.mapped == [] && machine.kernel.openPins == 0)
}

@Test func theSmallestHugePageThatIsFreeAndLargeEnoughIsTaken() throws {
  let machine = try Machine(
    gib, pages: ["hugepages-1048576kB", "hugepages-2048kB", "hugepages-64kB", "other"])
  #expect(machine.device.sysfs.hugePageSizes == [65536, 2 << 20, 1 << 30])
  machine.kernel.state.withLock { $0.mapping[2 << 20] = -ENOMEM }
  let buffer = try machine.buffer(100_000)
  #expect(machine.kernel.log.prefix(2) == ["map 2048K", "map 1048576K"])
  #expect(buffer.deviceAddress == gib)
}

@Test func fact61_whatRefusesTheSmallestHugePageIsNotHiddenByALargerOne() throws {
  let machine = try Machine(gib, pages: ["hugepages-2048kB", "hugepages-1048576kB"])
  machine.kernel.state.withLock { $0.pinning = -ENOMEM }
  let error = try #require(machine.failure(4096))
  #expect(
    error.hint.contains("LimitMEMLOCK=") && machine.kernel.log == ["map 2048K", "pin", "unmap"])
}

@Test func whatIsLargerThanEveryHugePageIsRefused() throws {
  let machine = try Machine(gib)
  for (size, alignment) in [(2 * mib + 1, 1), (4096, 4 * mib)] {
    let error = try #require(machine.failure(size, alignment: alignment))
    #expect(error.code == .unsupported && error.cause.contains("2097152 bytes"))
  }
  #expect(machine.kernel.log == [])
  let without = try Machine(gib, pages: [])
  #expect(without.failure(1)?.cause.contains("CONFIG_HUGETLBFS") == true)
}

@Test(arguments: [(0, 1), (-1, 1), (Int.max, 1), (4096, 0), (4096, 3), (4096, -4096)])
func sizesAndAlignmentsThatMakeNoBufferAreRefusedOfUIOToo(_ size: Int, _ alignment: Int) throws {
  let machine = try Machine(gib)
  #expect(machine.failure(size, alignment: alignment)?.code == .malformed)
}

@Test(arguments: [
  ("map", ENOMEM, DeviceError.Code.resourcesExhausted, "nr_hugepages"),
  ("pin", EPERM, .permissionDenied, "kernel.io_uring_disabled"),
  ("pin", ENOSYS, .unsupported, ""),
  ("pin", ENOMEM, .resourcesExhausted, "LimitMEMLOCK="),
  ("pin", EFAULT, .resourcesExhausted, "hugetlb"),
  ("pin", EMFILE, .resourcesExhausted, "LimitNOFILE="),
  ("pin", EINVAL, .unexpected, ""),
  ("locate", EPERM, .permissionDenied, "CAP_SYS_ADMIN"),
  ("locate", EACCES, .permissionDenied, "CAP_SYS_ADMIN"),
  ("locate", ENOENT, .unsupported, "mount /proc"),
  ("locate", EXDEV, .unexpected, ""),
])
func facts60To62_whatRefusesAHugePageIsTypedAndLeavesNothing(
  _ call: String, _ number: Int32, _ code: DeviceError.Code, _ hint: String
) throws {
  let machine = try Machine(gib)
  machine.kernel.state.withLock {
    switch call {
    case "map": $0.mapping[2 << 20] = -number
    case "pin": $0.pinning = -number
    default: $0.locating = -number
    }
  }
  let error = try #require(machine.failure(4096))
  #expect(error.code == code && error.errno?.rawValue == number, "\(error)")
  #expect(hint.isEmpty || error.hint.contains(hint), "\(error)")
  #expect(error.device == "uio0 (pci-0000:00:03.0) DMA buffer of 4096 bytes")
  #expect(machine.kernel.mapped == [] && machine.kernel.openPins == 0)
  // It is asked anew.
  machine.kernel.state.withLock {
    $0.mapping = [:]
    $0.pinning = 0
    $0.locating = 0
    $0.places = [gib]
  }
  #expect(try machine.buffer(4096).deviceAddress == gib)
}

@Test func facts60To62_theKernelOfThisMachineAnswersAsDocumented() throws {
  let kernel = SystemMemory()
  func isDocumented(_ operation: MemoryOperation, _ result: Int32) -> Bool {
    result >= 0 || operation.meaning(-result).code != .unexpected
  }
  var start: UnsafeMutableRawPointer?
  let mapped = kernel.map(2 << 20, &start)
  #expect(isDocumented(.map, mapped) && (mapped == 0) == (start != nil))
  if let start { kernel.unmap(UnsafeMutableRawBufferPointer(start: start, count: 2 << 20)) }
  // It may have no huge page. The other calls take every page.
  let page = try #require(
    mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
  page.storeBytes(of: 1, as: UInt8.self)
  let memory = UnsafeMutableRawBufferPointer(start: page, count: 4096)
  let pin = kernel.pin(memory)
  #expect(isDocumented(.pin, pin))
  var address: UInt64 = 1
  let located = kernel.locate(memory, &address)
  #expect(isDocumented(.locate, located))
  if located == 0 { #expect(address != 0 && address.isMultiple(of: 4096)) }
  if pin >= 0 { kernel.unpin(FileDescriptor(adopting: pin)) }
  kernel.unmap(memory)
  let none = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  #expect(kernel.pin(none) == -EINVAL && kernel.locate(none, &address) == -EINVAL)
}

@Test func fact63_aDeviceWhoseAddressesAnIOMMUTranslatesIsRefused() throws {
  let machine = try Machine(gib)
  for type in ["DMA", "DMA-FQ", "blocked", nil] {
    try machine.group(type)
    let error = try #require(machine.failure(4096))
    #expect(error.code == .unsupported && error.cause.contains("type \(type ?? "unknown")"))
    #expect(error.hint.contains("--driver vfio-pci") && error.hint.contains("iommu=pt"))
  }
  #expect(machine.kernel.log == [])
  try machine.group("identity")
  #expect(try machine.buffer(4096).deviceAddress == gib)
}

@Test func fact63_aDeviceOnABusWithOtherAddressesIsRefused() throws {
  let machine = try Machine(gib)
  try machine.tree.folder("sys/devices/pci0/of_node")
  // Without a content the addresses are those of the processor.
  try machine.tree.write("sys/devices/pci0/of_node/dma-ranges", "")
  #expect(machine.failure(4096) == nil)
  try machine.tree.write("sys/devices/pci0/of_node/dma-ranges", [0, 0, 0, 0, 0xc0, 0, 0, 0])
  let error = try #require(machine.failure(4096))
  #expect(error.code == .unsupported && error.cause.contains("sys/devices/pci0 maps other"))
}

@Test func aDeviceThatHasGoneGetsNoMemoryAndItsBuffersStayTheProgramsOwn() throws {
  let machine = try Machine(gib)
  let node = MortalNode()
  let device = UIODevice(machine.device.info, node: node.file, sysfs: machine.tree.sysfs)
  let buffer = try DMABuffer(device, size: 4096, of: machine.pool)
  node.kill()
  do throws(UIOError) {
    _ = try DMABuffer(device, size: 4096, of: machine.pool)
    Issue.record("it was made")
  } catch { #expect(error.code == .removed) }
  buffer.bytes[0] = 1
  #expect(buffer.bytes[0] == 1)
}

@Test func buffersAreMadeAndReleasedByManyThreads() throws {
  let machine = try Machine()
  machine.kernel.state.withLock { $0.places = (1...4000).map { $0 << 21 } }
  nonisolated(unsafe) let shared = machine
  let failures = Guarded(0)
  let threads = try (0..<4).map { thread in
    try WorkerThread(name: "buffers") {
      for round in 0..<200 {
        do {
          let buffer = try shared.buffer(1 + (round * 4096) % (mib / 2))
          let mark = UInt8(thread + 1)
          for index in stride(from: 0, to: buffer.size, by: 512) {
            if buffer.bytes[index] != 0 { failures.withLock { $0 += 1 } }
            buffer.bytes[index] = mark
          }
          let isWhole = stride(from: 0, to: buffer.size, by: 512).allSatisfy {
            buffer.bytes[$0] == mark
          }
          if !isWhole { failures.withLock { $0 += 1 } }
        } catch { failures.withLock { $0 += 1 } }
      }
    }
  }
  for thread in threads { thread.join() }
  #expect(failures.withLock { $0 } == 0)
  #expect(machine.kernel.mapped == [] && machine.kernel.openPins == 0)
}
