// Devices of vfio-pci as cases use them: an edu with INTx or MSI, a rocker with four vectors of
// MSI-X, an nvme with 65; and what reads, raises and reports beside them. Their routines run on the
// dispatcher with the interrupt lock held; their state belongs to them.
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization
import UIO
import VFIO

extension Guest {
  static let vfioEdu = "0000:00:0a.0"
  /// Writing N to register 0x20 of its BAR 0 raises vector N. No INTx.
  static let rocker = "0000:00:0b.0"
  static let nvme = "0000:00:0c.0"

  /// Gives the function to vfio-pci, and returns once its group's node is there.
  static func bindVFIO(_ address: String) throws {
    guard driver(address) != "vfio-pci" else { return }
    try shell("interruptsyncctl bind \(address) --driver vfio-pci")
    try waitFor("vfio-pci to take \(address)") {
      guard driver(address) == "vfio-pci" else { return false }
      return access(try groupNode(address), F_OK) == 0
    }
  }

  static func groupNode(_ address: String) throws -> String {
    let link = try FileDescriptor.link("\(pci(address))/iommu_group")
    return "/dev/vfio/\(link.split(separator: "/").last ?? "")"
  }

  static func openVFIO(
    _ address: String, _ interrupt: VFIOInterrupt? = nil,
    report: (@Sendable (VFIOReport) -> Void)? = nil
  ) throws -> VFIODevice {
    try bindVFIO(address)
    return try VFIODevice("pci-\(address)", interrupt: interrupt, report: report)
  }

  /// Has the IOMMU translate the addresses of a function of uio_pci_generic (`DMA`), or leave them
  /// (`identity`).
  static func translate(_ address: String, _ type: String) throws {
    let link = try FileDescriptor.link("\(pci(address))/iommu_group")
    let group = "\(link.split(separator: "/").last ?? "")"
    // Only of devices without a driver.
    unbind(address)
    let path = "/sys/kernel/iommu_groups/\(group)/type"
    try expectEqual(write(type, to: path), 0, "errno of \(path)")
    try bind(address)
    try expectEqual(try text(path), type, path)
  }

  /// Interrupts on all processors of the line whose action has this name; nil without one.
  static func kernelCount(action: String) throws -> UInt64? {
    let file = try FileDescriptor.openText("/proc/interrupts")
    for line in file.split(separator: "\n") where line.hasSuffix(action) {
      return line.split(separator: " ").dropFirst().prefix { $0.allSatisfy(\.isNumber) }.reduce(0) {
        $0 + (UInt64($1) ?? 0)
      }
    }
    return nil
  }
}

/// An edu behind vfio-pci.
final class VFIOEdu: EduRoutine, @unchecked Sendable {
  let device: VFIODevice
  let line: VFIOLine

  init(_ interrupt: VFIOInterrupt, report: (@Sendable (VFIOReport) -> Void)? = nil) throws {
    device = try Guest.openVFIO(Guest.vfioEdu, interrupt, report: report)
    line = try VFIOLine(device)
    try super.init(try device.region(bar: 0))
  }

  func object(_ options: InterruptSyncOptions = InterruptSyncOptions()) throws
    -> InterruptSyncObject
  {
    try object(of: line, options: options)
  }

  /// Raises `count` interrupts, each once INTx is unmasked: where the device asserts already at the
  /// unmask, the kernel counts without an interrupt (V15).
  func raise(_ count: Int, through object: InterruptSyncObject) throws {
    let path = "\(Guest.pci("\(device.address)"))/config"
    let configuration = try FileDescriptor.open(path, O_RDONLY)
    for number in 1...count {
      try registers.write32(1, at: Edu.raise)
      try Guest.waitFor("interrupt \(number)") {
        var command: UInt16 = 0
        return object.statistics().claimed >= number
          && cuio_pci_command_read(configuration.raw, &command) == 0
          && command & UInt16(CUIO_PCI_COMMAND_INTX_DISABLE) == 0
      }
    }
  }

  /// Runs a chain of `count` interrupts, and waits until all are serviced.
  func complete(_ count: Int, through object: InterruptSyncObject) throws {
    try chain(count, through: object)
    try Guest.waitFor("\(count) interrupts", seconds: 240) {
      try object.callSynchronizedRoutine { self.serviced } >= count
    }
  }
}

/// Collects what a device reports beside its lines.
final class Notices: @unchecked Sendable {
  private let monitor = Monitor()
  private var collected: [String] = []

  func add(_ report: VFIOReport) { monitor.locked { collected.append("\(report)") } }
  var texts: [String] { monitor.locked { collected } }

  /// Waits for the one report that the host has the device.
  func expectReturned() throws {
    try Guest.waitFor("the device's report") { texts.count == 1 }
    try expect(texts[0].contains("the host wanted"), texts[0])
  }
}

/// A thread that reads a register until that is refused.
final class Reader {
  private let accesses = Atomic<Int>(0)
  private var thread: Caller?

  /// Returns once the thread reads.
  init(_ registers: RegisterRegion, at offset: Int) throws {
    thread = Caller { [self] in
      while (try? registers.read32(at: offset)) != nil { accesses.add(1, ordering: .relaxed) }
    }
    try Guest.waitFor("accesses") { accesses.load(ordering: .relaxed) > 1000 }
  }

  func join() { thread?.join() }
}
