import CFloor
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import VFIO

/// One edu by messages behind vfio-pci, and by INTx behind uio_pci_generic: the time from one interrupt to the next in a
/// chain, each of which the routine of the one before raises.
@safe final class MessageBenchmark {
  private static let length = 4096
  private let address: String
  private let processor: Int32
  private let rounds: Int
  private let shots: UInt64
  private let registers: UnsafeMutablePointer<UInt32>
  private let chain = UnsafeMutablePointer<edu_chain>.allocate(capacity: 1)

  init(_ address: String, machine: Machine, rounds: Int, shots: UInt64) throws {
    self.address = address
    self.processor = Int32(machine.processor)
    self.rounds = rounds
    self.shots = shots
    guard let registers = unsafe uio_registers("\(Self.folder(address))/resource0", Self.length)
    else { throw BenchmarkFailure("\(address): its registers cannot be mapped; run as root") }
    unsafe self.registers = unsafe registers
    unsafe chain.initialize(to: edu_chain(registers: registers, left: 0, ended: 0))
  }

  deinit {
    unsafe uio_registers_close(registers, Self.length)
    unsafe chain.deallocate()
  }

  func run() throws -> [Measurement] {
    var (pin, messages, loop): ([Double], [Double], [Double]) = ([], [], [])
    for round in 0..<rounds {
      if round % 2 == 0 { pin.append(try overUIO()) }
      try bind("vfio-pci")
      if round % 4 < 2 { messages.append(try overVFIO()) }
      loop.append(try inC())
      if round % 4 >= 2 { messages.append(try overVFIO()) }
      if round % 2 != 0 { pin.append(try overUIO()) }
    }
    return [
      Measurement(
        "edu, an interrupt in a chain, MSI behind vfio-pci, against INTx behind uio_pci_generic",
        ours: messages, peer: pin, unit: "ns/interrupt", bar: 0.6),
      Measurement(
        "edu, an interrupt in a chain, MSI behind vfio-pci, against C, blocking read",
        ours: messages, peer: loop, unit: "ns/interrupt"),
    ]
  }

  // MARK: Servers

  private func overUIO() throws -> Double {
    try bind("uio_pci_generic")
    let irq = try FileDescriptor.contents("\(Self.folder(address))/irq")
    return try served(UIOLine(try UIODevice(UIODeviceID("pci-\(address)")))) {
      Int(String(decoding: irq, as: UTF8.self).filter(\.isNumber))
    }
  }

  private func overVFIO() throws -> Double {
    let line = try VFIOLine(try VFIODevice("pci-\(address)", interrupt: .msi))
    return try served(line, looks: 1) { line.interruptNumber() }
  }

  /// - Parameter looks: dispatches that are not for an interrupt, at connect (V18).
  private func served(
    _ line: some InterruptSource, looks: UInt64 = 0, _ irq: () -> Int?
  ) throws -> Double {
    let options = InterruptSyncOptions(
      dispatcher: DispatcherAttributes(processors: [Int(processor)], waiting: .block))
    let object = InterruptSyncObject(source: line, mode: .normal, options: options)
    unsafe try object.registerServiceRoutine(edu_chain_serve, context: chain)
    try object.connect()
    let result = Result {
      try wait("the dispatch at connect") { object.dispatchCount == looks }
      return try each(irq())
    }
    try object.disconnect()
    return try result.get()
  }

  private func inC() throws -> Double {
    let line = try VFIOLine(try VFIODevice("pci-\(address)", interrupt: .msi))
    guard try line.claim() else { throw BenchmarkFailure("\(line) is in use") }
    defer { line.unclaim() }
    var raw = unsafe probe_line()
    unsafe raw.kind = PROBE_EVENT
    unsafe raw.read_fd = line.event.raw
    unsafe raw.write_fd = line.event.raw
    let contexts: [UnsafeMutableRawPointer?] = unsafe [UnsafeMutableRawPointer(chain)]
    guard
      let waiter = unsafe waiter_start(
        &raw, WAITER_READ, WAITER_PI, edu_chain_serve, contexts, 1,
        placement(priority: 0, processor: processor))
    else { throw BenchmarkFailure("cannot create a thread") }
    let result = Result {
      try wait("the dispatch at connect") { unsafe waiter_counted(waiter) == 1 }
      return try each(line.interruptNumber())
    }
    unsafe waiter_stop(waiter)
    return try result.get()
  }

  /// Nanoseconds an interrupt, of one chain that comes to the processor of its server.
  private func each(_ irq: Int?) throws -> Double {
    guard let irq else { throw BenchmarkFailure("\(address): its interrupt has no number") }
    try write("\(processor)", to: "/proc/irq/\(irq)/smp_affinity_list")
    let start = probe_now()
    unsafe edu_chain_start(chain, shots)
    try wait("\(shots) interrupts") { unsafe edu_chain_end(chain) != 0 }
    return Double(unsafe edu_chain_end(chain) - start) / Double(shots)
  }

  private func wait(_ what: String, _ condition: () throws -> Bool) throws {
    let limit = probe_now() + 60_000_000_000
    while !(try condition()) {
      guard probe_now() < limit else { throw BenchmarkFailure("\(address): no end of \(what)") }
      usleep(1000)
    }
  }

  // MARK: Drivers

  private static func folder(_ address: String) -> String { "/sys/bus/pci/devices/\(address)" }

  /// Returns once the driver's node is there.
  private func bind(_ driver: String) throws {
    let folder = Self.folder(address)
    let bound = try? FileDescriptor.link("\(folder)/driver")
    if bound?.hasSuffix("/\(driver)") == true { return }
    try write(driver, to: "\(folder)/driver_override")
    if bound != nil { try write(address, to: "\(folder)/driver/unbind") }
    try write(address, to: "/sys/bus/pci/drivers_probe")
    try wait("the bind to \(driver)") { try isReady(driver) }
  }

  private func isReady(_ driver: String) throws -> Bool {
    if driver == "vfio-pci" {
      let group = try FileDescriptor.link("\(Self.folder(address))/iommu_group")
      return unsafe access("/dev/vfio/\(group.split(separator: "/").last ?? "")", F_OK) == 0
    }
    guard let info = try? UIODeviceInfo.find(UIODeviceID("pci-\(address)")) else { return false }
    return unsafe access(info.path, F_OK) == 0
  }

  private func write(_ text: String, to path: String) throws {
    let file = try FileDescriptor.open(path, O_WRONLY)
    let bytes = Array(text.utf8)
    guard unsafe Glibc.write(file.raw, bytes, bytes.count) == bytes.count else {
      throw BenchmarkFailure("writing \(text) to \(path): errno \(errno)")
    }
  }
}
