// Floor 5, room Interrupts. The messages of a device, connected by one call: an interrupt for each,
// and the table of them that the driver gets (K8, K14). InterruptCalls calls it: connect and
// disconnect at PASSIVE_LEVEL on the driver's thread, without an interrupt lock; look-ups up to
// DISPATCH_LEVEL. A monitor guards which tables there are.
import CWindowsInterrupts
import Glibc
import InterruptSync
import LinuxSystem

private let connecting = "IoConnectInterruptEx"

/// Connects the message routine to every message, or the fallback routine where the device has lines
/// (K10, K14, K22). Returns the status and the form that was registered.
func connectMessages(
  _ based: IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS
) -> (NTSTATUS, Int32) {
  guard unsafe based.ConnectionContext.Generic != nil else {
    Reports.violation(connecting, "S16", "a message-based connect needs a ConnectionContext")
    return (NTStatus.invalidParameter.rawValue, 0)
  }
  guard let device = unsafe WindowsDevice.of(based.PhysicalDeviceObject) else {
    return (NTStatus.invalidParameter.rawValue, 0)
  }
  let messages = device.lines.filter { $0.message != nil }
  if !messages.isEmpty { return unsafe (connect(messages, based), CONNECT_MESSAGE_BASED) }
  guard unsafe based.FallBackServiceRoutine != nil else {
    return (NTStatus.notFound.rawValue, 0)
  }
  let status = unsafe connectLines(
    IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS(
      PhysicalDeviceObject: based.PhysicalDeviceObject,
      InterruptObject: based.ConnectionContext.InterruptObject,
      ServiceRoutine: based.FallBackServiceRoutine, ServiceContext: based.ServiceContext,
      SpinLock: based.SpinLock, SynchronizeIrql: based.SynchronizeIrql,
      FloatingSave: based.FloatingSave))
  return (status, CONNECT_LINE_BASED)
}

/// A lock for each message, at the message's level; with a spin lock that one for all, at the highest
/// level (K7, K8, K12).
private func connect(
  _ lines: [Line], _ based: IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS
) -> NTSTATUS {
  guard let out = unsafe based.ConnectionContext.InterruptMessageTable,
    let routine = unsafe based.MessageServiceRoutine
  else { return NTStatus.invalidParameter.rawValue }
  unsafe out.pointee = nil
  guard Reports.require(connecting, atMost: KIRQL(PASSIVE_LEVEL)) else {
    return NTStatus.invalidDeviceState.rawValue
  }
  let lock = unsafe based.SpinLock.map { unsafe SpinLocks.lock($0) }
  if lock?.lock.isHeldByCaller == true {
    Reports.wouldDeadlock(connecting)
    return NTStatus.possibleDeadlock.rawValue
  }
  let unified = unsafe lines.map(\.irql).reduce(based.SynchronizeIrql, max)
  let interrupts = lines.enumerated().map { index, line in
    unsafe Interrupt(
      message: line, index: ULONG(index), routine: routine, context: based.ServiceContext,
      spinLock: lock, irql: lock == nil ? max(line.irql, based.SynchronizeIrql) : unified)
  }
  guard let table = unsafe MessageTables.make(interrupts, unified) else {
    retire(interrupts)
    return NTStatus.insufficientResources.rawValue
  }
  // Before the first message can come: the routine may run at once and use it (K16).
  unsafe out.pointee = table
  do throws(InterruptSyncError) {
    try connectAll(interrupts)
    return NTStatus.success.rawValue
  } catch {
    unsafe out.pointee = nil
    unsafe MessageTables.end(table)
    retire(interrupts)
    return Reports.failure(connecting, error)
  }
}

/// All or none.
private func connectAll(_ interrupts: [Interrupt]) throws(InterruptSyncError) {
  for (index, interrupt) in interrupts.enumerated() {
    do throws(InterruptSyncError) { try interrupt.connect(shares: false) } catch {
      for connected in interrupts[..<index] { connected.disconnect() }
      throw error
    }
  }
}

private func retire(_ interrupts: [Interrupt]) {
  for interrupt in interrupts { _ = unsafe InterruptHandles.retire(interrupt.handle) }
}

/// When it returns no message's routine runs, and none will start (N11).
func disconnectMessages(_ call: String, _ table: PIO_INTERRUPT_MESSAGE_INFO?) {
  let interrupts = unsafe MessageTables.messages(table, call)
  if interrupts.contains(where: \.isInside) { return Reports.wouldDeadlock(call) }
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return }
  // The driver may have disconnected one of them alone.
  for interrupt in unsafe MessageTables.end(table) where InterruptHandles.isLive(interrupt) {
    interrupt.disconnect()
    _ = unsafe InterruptHandles.retire(interrupt.handle)
  }
}

/// The tables that drivers have. One that has ended keeps its memory until many others have, so that a
/// use after the disconnect is reported and not obeyed (N14).
enum MessageTables {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var live: [UnsafeMutableRawPointer: [Interrupt]] = unsafe [:]
  /// Oldest first.
  nonisolated(unsafe) private static var ended: [UnsafeMutableRawPointer] = unsafe []
  private static let quarantine = 256

  /// Nil without memory.
  static func make(_ interrupts: [Interrupt], _ unified: KIRQL) -> PIO_INTERRUPT_MESSAGE_INFO? {
    let entry = unsafe MemoryLayout<IO_INTERRUPT_MESSAGE_INFO_ENTRY>.stride
    let size = MemoryLayout<IO_INTERRUPT_MESSAGE_INFO>.size + (interrupts.count - 1) * entry
    guard let memory = unsafe calloc(1, size) else { return nil }
    let table = unsafe memory.assumingMemoryBound(to: IO_INTERRUPT_MESSAGE_INFO.self)
    unsafe table.pointee.UnifiedIrql = unified
    unsafe table.pointee.MessageCount = ULONG(interrupts.count)
    guard let entries = unsafe table.pointer(to: \.MessageInfo) else { return nil }
    unsafe entries.withMemoryRebound(
      to: IO_INTERRUPT_MESSAGE_INFO_ENTRY.self, capacity: interrupts.count
    ) { entries in
      for (index, interrupt) in interrupts.enumerated() {
        // The kernel keeps the address and the data of the message to itself.
        unsafe entries[index].TargetProcessorSet = ~0
        unsafe entries[index].InterruptObject = interrupt.handle
        unsafe entries[index].Vector = interrupt.members[0].line.vector
        unsafe entries[index].Irql = interrupt.irql
        unsafe entries[index].Mode = Latched
      }
    }
    monitor.locked { unsafe live[memory] = interrupts }
    return unsafe table
  }

  /// Whether it is one, or was one lately.
  static func isTable(_ table: PIO_INTERRUPT_MESSAGE_INFO?) -> Bool {
    guard let memory = UnsafeMutableRawPointer(table) else { return false }
    return monitor.locked { unsafe live[memory] != nil || ended.contains(memory) }
  }

  /// Its messages; a table that has ended is reported, and has none.
  static func messages(_ table: PIO_INTERRUPT_MESSAGE_INFO?, _ call: String) -> [Interrupt] {
    let memory = UnsafeMutableRawPointer(table)
    let found = monitor.locked { unsafe memory.flatMap { unsafe live[$0] } }
    if found == nil {
      Reports.violation(call, "N14", "the messages are disconnected; connect them again")
    }
    return found ?? []
  }

  @discardableResult
  static func end(_ table: PIO_INTERRUPT_MESSAGE_INFO?) -> [Interrupt] {
    guard let memory = UnsafeMutableRawPointer(table) else { return [] }
    return monitor.locked {
      guard let interrupts = unsafe live.removeValue(forKey: memory) else { return [] }
      unsafe ended.append(memory)
      if unsafe ended.count > quarantine { unsafe free(ended.removeFirst()) }
      return interrupts
    }
  }
}
