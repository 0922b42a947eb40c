// One interrupt of an open VFIO device: a vector of messages, or INTx. Floor 3. Drivers, the C and
// Windows interfaces and the daemon's VFIOFunctions make it, on any thread at PASSIVE_LEVEL without
// a lock. An object of floor 4 connects to it (VFIOLine+InterruptSource.swift); one thread at a
// time works on its raw part: the serving thread reads without a lock, and re-arms INTx under the
// interrupt lock.
package import CUIO
import Glibc
package import LinuxSystem
import Synchronization

/// A vector of a VFIO device, or its INTx.
///
/// Messages need no re-arm, and the processor may merge several of them into one: no wake-up is lost,
/// and what was merged counts once (V22). INTx is masked by each interrupt and unmasked by one write.
/// Interrupts count while an object is connected.
@safe public final class VFIOLine: @unchecked Sendable {
  /// The open device; the line keeps it open.
  public let device: VFIODevice
  /// 0 to `VFIODevice.vectorCount` - 1.
  public let vector: Int
  /// The memory that the dispatcher works on. One user at a time.
  package let raw: UnsafeMutablePointer<cuio_line>
  /// The eventfd that counts. An earlier process's goes on with what was counted and not read.
  package let event: FileDescriptor
  /// A write to it unmasks INTx; messages have none.
  private let unmask: FileDescriptor?
  private let isClaimed = Atomic<Bool>(false)
  private let staysArmed = Atomic<Bool>(false)

  /// Prepares the line of a vector; the device does not interrupt by it until an object connects.
  /// - Throws: `noInterrupt` (there is no such vector), `removed`, `resourcesExhausted`,
  ///   `otherProcess`.
  public convenience init(_ device: VFIODevice, vector: Int = 0) throws(UIOError) {
    try self.init(device, vector: vector, continuing: nil)
  }

  /// The same, with the eventfd that the vector had in an earlier process.
  package init(
    _ device: VFIODevice, vector: Int, continuing kept: FileDescriptor?
  ) throws(UIOError) {
    try device.requireOwnProcess("prepare the interrupt line")
    guard (0..<device.vectorCount).contains(vector) else {
      throw UIOError(
        .noInterrupt, device: device.description, operation: "prepare the interrupt line",
        cause: "the device has no vector \(vector) of \(device.interrupt.rawValue)",
        hint: "it has \(device.vectorCount), counted from 0")
    }
    self.device = device
    self.vector = vector
    do throws(SystemError) {
      event = if let kept { kept } else { try .event() }
      unmask = device.interrupt == .intx ? try .event() : nil
    } catch {
      throw VFIOOperation.arm.error(error.number, device: device.description)
    }
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: event.raw, rearm_fd: unmask?.raw ?? -1, format: CUIO_COUNT_EVENTFD,
        rearm: unmask == nil ? CUIO_REARM_NONE : CUIO_REARM_EVENTFD, total: 0, command: 0, hooks: 0)
    )
  }

  deinit {
    if isClaimed.load(ordering: .acquiring) { device.vectors.disarm(vector) }
    unsafe raw.deallocate()
  }

  /// `pci-0000:01:00.0 msix3`; `pci-0000:01:00.0 intx`.
  public var description: String {
    let kind = device.interrupt.rawValue
    return device.interrupt == .intx ? "\(device) \(kind)" : "\(device) \(kind)\(vector)"
  }

  /// Arms the vector for one user, with a kick in the counter: what the device wanted to say before is
  /// not lost with the interrupt that said it (V18, V20). False while another user has it.
  /// - Throws: `removed`, `busy`, `resourcesExhausted`, `otherProcess`, `permissionDenied`.
  package func claim() throws(UIOError) -> Bool {
    try device.requireOwnProcess("connect")
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else { return false }
    do throws(UIOError) {
      guard device.isAlive else { throw device.returned("connect") }
      if unmask == nil { try device.setBusMaster(true) }
      try device.vectors.arm(vector, event, unmask: unmask)
    } catch {
      isClaimed.store(false, ordering: .releasing)
      throw error
    }
    _ = unsafe cuio_line_kick(raw)
    return true
  }

  /// Disarms it. Nothing is counted afterwards; what was counted before and not read is there at the
  /// next connect.
  package func unclaim() {
    if !staysArmed.load(ordering: .relaxed) { device.vectors.disarm(vector) }
    isClaimed.store(false, ordering: .releasing)
  }

  /// Has the vector stay armed when its object is disconnected, for the process that goes on with `event`.
  package func stayArmed() { staysArmed.store(true, ordering: .relaxed) }

  /// Keeps the device from interrupting by this line, which INTx does on its own (V25).
  package func suspend() { device.vectors.suspend(vector) }

  /// Ends that, on the thread that reads the line. A message that MSI lost meanwhile is made up for by
  /// a kick; MSI-X keeps it (V25). 0 or -errno.
  package func resume() -> Int32 {
    let result = device.vectors.resume(vector)
    if result == 0, device.interrupt == .msi { return unsafe cuio_line_kick(raw) }
    return result
  }

  /// Has the kernel raise the line once, as if the device had: shows that everything between the
  /// kernel and the routines works (V27). The interrupt is counted.
  /// - Throws: `noInterrupt` when no object is connected, `removed`, `otherProcess`.
  public func selfTest() throws(UIOError) {
    try device.requireOwnProcess("trigger the interrupt")
    try device.vectors.trigger(vector)
  }

  /// The action's name in /proc/interrupts, while it is armed (V12).
  package var actionName: String {
    switch device.interrupt {
    case .intx: "vfio-intx(\(device.address))"
    case .msi: "vfio-msi[\(vector)](\(device.address))"
    case .msix: "vfio-msix[\(vector)](\(device.address))"
    }
  }

  /// The kernel's number of the interrupt, while it is armed.
  package func interruptNumber(_ procfs: Procfs = .system) -> Int? {
    procfs.interrupt(requestedBy: actionName)
  }

  /// The error that a failed read or re-arm means.
  package func failure(_ number: Int32) -> UIOError {
    if number == EPIPE || !device.gate.probe() {
      return device.returned("read the interrupt count")
    }
    return VFIOOperation.arm.error(number, device: "\(self)")
  }
}

extension VFIOLine: CustomStringConvertible {}
