// Memory for a device without an IOMMU: the edu's engine reads and writes parts of huge pages,
// which stay where they are, and what a machine refuses (facts 60 to 62). The cases run on the
// suite's one thread.
import Glibc
import InterruptSync
import LinuxSystem
import UIO

enum MemoryTests {
  static let cases = [
    Case("fact60_withoutAFreeHugePageThereIsNoBuffer", exhausted),
    Case("fact60_theEngineReadsAndWritesPartsOfHugePages", engine),
    Case("fact61_aBufferStaysWhereItIs", pinned),
    Case("fact61_withoutIOUringOrLockedMemoryThereIsNoBuffer") {
      try Guest.withHugePages(4) {
        try finish(["sandboxed"], "io_uring")
        // Root's CAP_IPC_LOCK is exempt.
        try finish(
          ["limited"], "LimitMEMLOCK=",
          under: "prlimit --memlock=65536 setpriv --bounding-set=-ipc_lock")
      }
    },
    Case("fact62_withoutCAPSYSADMINThereIsNoBuffer") {
      try Guest.withHugePages(4) {
        try finish(["hidden"], "CAP_SYS_ADMIN", under: "setpriv --bounding-set=-sys_admin")
      }
    },
    Case("C_theEngineMovesBytesThroughHugePages") {
      try Guest.withHugePages(1) { try finish(["engine"], "the engine moved the bytes 20 times") }
    },
  ]

  /// Runs programs/uio_memory.c.
  static func finish(_ statement: [String], _ wanted: String, under: String = "") throws {
    let command = "\(under) ./uio_memory \(statement.joined(separator: " ")) pci-\(Guest.eduC)"
    try expect(try Guest.shell(command).contains(wanted), "\(command) did not say \(wanted)")
  }

  private static func exhausted() throws {
    try Guest.withHugePages(0) {
      let device = try Guest.open(Guest.eduC)
      try expectUIOError(.resourcesExhausted, ["no free huge page", "nr_hugepages", "ENOMEM"]) {
        _ = try DMABuffer(device, size: 4096)
      }
      try finish(["exhausted"], "nr_hugepages")
      // One that another program has is not free.
      try Guest.withHugePages(1) {
        let buffer = try DMABuffer(device, size: 4096)
        try finish(["exhausted"], "nr_hugepages")
        // The process takes more of its own.
        let more = try DMABuffer(device, size: 1 << 20)
        try expect(more.deviceAddress >> 21 == buffer.deviceAddress >> 21, "another huge page")
        try expectUIOError(.resourcesExhausted, ["no free huge page"]) {
          _ = try DMABuffer(device, size: 1 << 20)
        }
      }
      try expectUIOError(.unsupported, ["one huge page"]) {
        _ = try DMABuffer(device, size: (1 << 30) + 1)
      }
    }
  }

  private static func engine() throws {
    try Guest.withHugePages(2) {
      let engine = try Engine(try Edu(Guest.eduC))
      let source = try DMABuffer(engine.edu.device, size: Engine<Edu>.length, direction: .toDevice)
      let target = try DMABuffer(
        engine.edu.device, size: Engine<Edu>.length, alignment: 1 << 16, direction: .fromDevice,
        addressLimit: 0xffff_ffff)
      try expectEqual(target.deviceAddress & 0xffff, 0, "the alignment")
      try engine.exchange(source, target, rounds: repetitions(200, short: 20))
      try engine.end()
    }
    // The page is free as soon as its last buffer is, and memory that was written begins as zeros.
    try Guest.withHugePages(1) {
      let device = try Guest.open(Guest.eduC)
      for round in 1...20 {
        let buffer = try DMABuffer(device, size: 1 << 21)
        try expect(buffer.bytes.allSatisfy { $0 == 0 }, "round \(round): something in it")
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0xa5)
      }
    }
  }

  /// What the kernel takes out of use it moves first, unless it is pinned.
  private static func pinned() throws {
    try Guest.withHugePages(4) {
      let free = try HugePage()
      let before = try free.place()
      try expectEqual(Guest.offline(before), 0, "errno of the move of a page that is not pinned")
      let after = try free.place()
      try expect(after != before, "a page that is not pinned was not moved")
      try expect(free.bytes.allSatisfy { $0 == 0x5a }, "its bytes were not")
      let engine = try Engine(try Edu(Guest.eduC))
      let buffer = try DMABuffer(engine.edu.device, size: Engine<Edu>.length)
      let target = try DMABuffer(engine.edu.device, size: Engine<Edu>.length)
      for place in [buffer.deviceAddress, target.deviceAddress] {
        let number = Guest.offline(place)
        try expect(number != 0, "a buffer was taken out of use")
        say("pinned: \(Errno.name(number))")
      }
      Guest.write("1", to: "/proc/sys/vm/compact_memory")
      var place: UInt64 = 0
      let all = UnsafeMutableRawBufferPointer(start: buffer.bytes.baseAddress, count: 4096)
      try expectEqual(SystemMemory().locate(all, &place), 0, "result of locate")
      try expectEqual(place, buffer.deviceAddress, "where the buffer is")
      try engine.exchange(buffer, target, rounds: 5)
      try engine.end()
    }
  }
}

/// A huge page that is not pinned, with bytes in it.
private final class HugePage {
  let bytes: UnsafeMutableRawBufferPointer

  init() throws {
    var start: UnsafeMutableRawPointer?
    try expectEqual(SystemMemory().map(2 << 20, &start), 0, "result of map")
    bytes = UnsafeMutableRawBufferPointer(start: start, count: 2 << 20)
    bytes.initializeMemory(as: UInt8.self, repeating: 0x5a)
  }

  deinit { SystemMemory().unmap(bytes) }

  func place() throws -> UInt64 {
    var place: UInt64 = 0
    try expectEqual(SystemMemory().locate(bytes, &place), 0, "result of locate")
    return place
  }
}

extension Guest {
  /// Runs `body` with so many free huge pages of 2 MiB. Those of a program that has ended are free a moment later (fact
  /// 64), and only then the kernel takes them back.
  static func withHugePages(_ count: Int, _ body: () throws -> Void) throws {
    let folder = "/sys/kernel/mm/hugepages/hugepages-2048kB"
    let before = try text("\(folder)/nr_hugepages")
    func reserve(_ wanted: String) throws {
      var figures: [String] = []
      try waitFor("\(wanted) free huge pages; there are \(figures)") {
        write(wanted, to: "\(folder)/nr_hugepages")
        figures = try ["nr", "free", "surplus"].map { try text("\(folder)/\($0)_hugepages") }
        return figures == [wanted, wanted, "0"]
      }
    }
    try reserve("\(count)")
    defer { write(before, to: "\(folder)/nr_hugepages") }
    try body()
  }

  /// Has the kernel take a page of memory out of use without harm to who has it. The error number,
  /// or 0.
  fileprivate static func offline(_ address: UInt64) -> Int32 {
    write("0x\(String(address, radix: 16))", to: "/sys/devices/system/memory/soft_offline_page")
  }
}
