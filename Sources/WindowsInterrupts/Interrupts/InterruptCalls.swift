// Floor 5, room Interrupts. Drivers call IoConnectInterrupt(Ex), IoDisconnectInterrupt(Ex), and the
// functions of a connected PKINTERRUPT: checks in the documents' terms, then Interrupt. The
// caller's thread: connect and disconnect at PASSIVE_LEVEL without the interrupt lock, activity up
// to DISPATCH_LEVEL, the rest up to the interrupt's level. This file takes no lock but the
// interrupt's.
public import CWindowsInterrupts
import InterruptSync

/// The part that all forms of connect share.
@safe private struct ConnectRequest {
  let call: String
  let out: UnsafeMutablePointer<PKINTERRUPT?>?
  let routine: PKSERVICE_ROUTINE?
  let context: PVOID?
  let spinLock: PKSPIN_LOCK?

  /// The checks that all forms share. Returns STATUS_SUCCESS, or the error.
  func check() -> NTStatus {
    guard let out = unsafe out else { return .invalidParameter }
    unsafe out.pointee = nil
    guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return .invalidDeviceState }
    return unsafe routine == nil ? .invalidParameter : .success
  }

  func connect(_ lines: [Line], irql: KIRQL, isPassive: Bool, shares: Bool) -> NTSTATUS {
    guard let out = unsafe out, let routine = unsafe routine else {
      return NTStatus.invalidParameter.rawValue
    }
    if isPassive, unsafe spinLock != nil { return NTStatus.invalidParameter.rawValue }
    let lock = unsafe spinLock.map { unsafe SpinLocks.lock($0) }
    if lock?.lock.isHeldByCaller == true {
      Reports.wouldDeadlock(call)
      return NTStatus.possibleDeadlock.rawValue
    }
    let interrupt = unsafe Interrupt(
      lines, routine: routine, context: context, spinLock: lock, irql: irql, isPassive: isPassive)
    // Before the line is open: the routine may run at once and use it (K16, W9).
    unsafe out.pointee = interrupt.handle
    do throws(InterruptSyncError) {
      try interrupt.connect(shares: shares)
      return NTStatus.success.rawValue
    } catch {
      unsafe out.pointee = nil
      _ = unsafe InterruptHandles.retire(interrupt.handle)
      return Reports.failure(call, error)
    }
  }
}

private func connect(
  _ request: ConnectRequest, _ full: IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS,
  on device: WindowsDevice?
) -> NTSTATUS {
  let wrong = request.check()
  guard wrong == .success else { return wrong.rawValue }
  guard unsafe full.ProcessorEnableMask != 0 else { return NTSTATUS(bitPattern: 0xC000_00F8) }
  guard unsafe full.SynchronizeIrql >= full.Irql else { return NTStatus.invalidParameter.rawValue }
  guard let line = unsafe Vectors.line(full.Vector),
    device == nil || device.map(ObjectIdentifier.init) == line.device
  else { return NTStatus.notFound.rawValue }
  if unsafe (full.InterruptMode == Latched) != line.isLatched {
    Reports.violation(
      request.call, "K28",
      unsafe "vector \(full.Vector) is \(line.isLatched ? "latched" : "level-sensitive") in its resource"
    )
  }
  let isPassive = unsafe full.SynchronizeIrql == KIRQL(PASSIVE_LEVEL)
  return unsafe request.connect(
    [line], irql: full.SynchronizeIrql, isPassive: isPassive, shares: full.ShareVector != 0)
}

@c @implementation
public func IoConnectInterrupt(
  _ InterruptObject: UnsafeMutablePointer<PKINTERRUPT?>!, _ ServiceRoutine: PKSERVICE_ROUTINE!,
  _ ServiceContext: PVOID!, _ SpinLock: PKSPIN_LOCK!, _ Vector: ULONG, _ Irql: KIRQL,
  _ SynchronizeIrql: KIRQL, _ InterruptMode: KINTERRUPT_MODE, _ ShareVector: BOOLEAN,
  _ ProcessorEnableMask: KAFFINITY, _ FloatingSave: BOOLEAN
) -> NTSTATUS {
  let full = unsafe IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS(
    PhysicalDeviceObject: nil, InterruptObject: InterruptObject, ServiceRoutine: ServiceRoutine,
    ServiceContext: ServiceContext, SpinLock: SpinLock, SynchronizeIrql: SynchronizeIrql,
    FloatingSave: FloatingSave, ShareVector: ShareVector, Vector: Vector, Irql: Irql,
    InterruptMode: InterruptMode, ProcessorEnableMask: ProcessorEnableMask, Group: 0)
  let request = unsafe ConnectRequest(
    call: "IoConnectInterrupt", out: InterruptObject, routine: ServiceRoutine,
    context: ServiceContext, spinLock: SpinLock)
  return unsafe connect(request, full, on: nil)
}

@c @implementation
public func IoConnectInterruptEx(_ Parameters: PIO_CONNECT_INTERRUPT_PARAMETERS!) -> NTSTATUS {
  guard let Parameters = unsafe Parameters else { return NTStatus.invalidParameter.rawValue }
  switch unsafe Int32(bitPattern: Parameters.pointee.Version) {
  case CONNECT_FULLY_SPECIFIED, CONNECT_FULLY_SPECIFIED_GROUP:
    return unsafe connectFullySpecified(Parameters.pointee.FullySpecified)
  case CONNECT_LINE_BASED:
    return unsafe connectLines(Parameters.pointee.LineBased)
  case CONNECT_MESSAGE_BASED:
    let (status, version) = unsafe connectMessages(Parameters.pointee.MessageBased)
    if status >= 0 { unsafe Parameters.pointee.Version = ULONG(version) }
    return status
  default:
    return NTSTATUS(bitPattern: 0xC000_00EF)
  }
}

private func connectFullySpecified(_ full: IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS)
  -> NTSTATUS
{
  guard let device = unsafe WindowsDevice.of(full.PhysicalDeviceObject) else {
    return NTStatus.invalidParameter.rawValue
  }
  let request = unsafe ConnectRequest(
    call: "IoConnectInterruptEx", out: full.InterruptObject, routine: full.ServiceRoutine,
    context: full.ServiceContext, spinLock: full.SpinLock)
  return unsafe connect(request, full, on: device)
}

/// Connects one routine to all of the device's lines, at the highest of their levels (K12, K14).
func connectLines(_ based: IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS) -> NTSTATUS {
  guard let device = unsafe WindowsDevice.of(based.PhysicalDeviceObject) else {
    return NTStatus.invalidParameter.rawValue
  }
  let request = unsafe ConnectRequest(
    call: "IoConnectInterruptEx", out: based.InterruptObject, routine: based.ServiceRoutine,
    context: based.ServiceContext, spinLock: based.SpinLock)
  let wrong = request.check()
  guard wrong == .success else { return wrong.rawValue }
  guard let highest = device.lines.map(\.irql).max() else { return NTStatus.notFound.rawValue }
  guard device.lines.count(where: { $0.message != nil }) < 2 else {
    return NTStatus.invalidDeviceRequest.rawValue
  }
  return unsafe request.connect(
    device.lines, irql: max(highest, based.SynchronizeIrql), isPassive: false, shares: true)
}

private func disconnect(_ call: String, _ handle: PKINTERRUPT?) {
  guard let handle = unsafe handle, let interrupt = unsafe InterruptHandles.interrupt(handle, call)
  else {
    return
  }
  if interrupt.isInside { return Reports.wouldDeadlock(call) }
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return }
  interrupt.disconnect()
  _ = unsafe InterruptHandles.retire(handle)
}

@c @implementation
public func IoDisconnectInterrupt(_ InterruptObject: PKINTERRUPT!) {
  unsafe disconnect("IoDisconnectInterrupt", InterruptObject)
}

/// Whether a connection context is a table of messages. Reports a Version that says something else (K10).
private func isTable(
  _ call: String, _ version: ULONG, _ context: PIO_INTERRUPT_MESSAGE_INFO?
) -> Bool {
  let isTable = unsafe MessageTables.isTable(context)
  if isTable != (version == ULONG(CONNECT_MESSAGE_BASED)) {
    let connected = isTable ? "messages were connected" : "no message was connected"
    Reports.violation(call, "K10", "\(connected); pass the Version that connect gave")
  }
  return isTable
}

@c @implementation
public func IoDisconnectInterruptEx(_ Parameters: PIO_DISCONNECT_INTERRUPT_PARAMETERS!) {
  let call = "IoDisconnectInterruptEx"
  guard let Parameters = unsafe Parameters else { return Reports.violation(call, "K15", "NULL") }
  let context = unsafe Parameters.pointee.ConnectionContext
  if unsafe isTable(call, Parameters.pointee.Version, context.InterruptMessageTable) {
    return unsafe disconnectMessages(call, context.InterruptMessageTable)
  }
  unsafe disconnect(call, context.InterruptObject)
}

@c @implementation
public func isw_synchronize_slow(
  _ handle: PKINTERRUPT!, _ routine: PKSYNCHRONIZE_ROUTINE!, _ context: PVOID!
) -> BOOLEAN {
  let call = "KeSynchronizeExecution"
  guard let interrupt = unsafe InterruptHandles.interrupt(handle, call) else { return 0 }
  guard !interrupt.isInside else {
    Reports.wouldDeadlock(call)
    return 0
  }
  guard Reports.require(call, atMost: interrupt.isPassive ? KIRQL(APC_LEVEL) : interrupt.irql)
  else { return 0 }
  return unsafe interrupt.synchronize(routine, context)
}

@c @implementation
public func KeAcquireInterruptSpinLock(_ Interrupt: PKINTERRUPT!) -> KIRQL {
  let call = "KeAcquireInterruptSpinLock"
  let level = KeGetCurrentIrql()
  guard let interrupt = unsafe InterruptHandles.interrupt(Interrupt, call) else { return level }
  guard !interrupt.isPassive else {
    Reports.violation(
      call, "K25", "a passive-level interrupt has no spin lock (bug check 0x13B on Windows)")
    return level
  }
  _ = Reports.require(call, atMost: interrupt.irql)
  return interrupt.acquire()
}

@c @implementation
public func KeReleaseInterruptSpinLock(_ Interrupt: PKINTERRUPT!, _ OldIrql: KIRQL) {
  let call = "KeReleaseInterruptSpinLock"
  guard let interrupt = unsafe InterruptHandles.interrupt(Interrupt, call), !interrupt.isPassive
  else {
    return
  }
  interrupt.release(OldIrql)
}

private func setActive(
  _ call: String, _ parameters: PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS?, _ isActive: Bool
) {
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else { return }
  guard let parameters = unsafe parameters else { return Reports.violation(call, "K18", "NULL") }
  let context = unsafe parameters.pointee.ConnectionContext
  if unsafe isTable(call, parameters.pointee.Version, context.InterruptMessageTable) {
    let messages = unsafe MessageTables.messages(context.InterruptMessageTable, call)
    return messages.forEach { $0.setActive(isActive) }
  }
  unsafe InterruptHandles.interrupt(context.InterruptObject, call)?.setActive(isActive)
}

@c @implementation
public func IoReportInterruptActive(_ Parameters: PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS!) {
  unsafe setActive("IoReportInterruptActive", Parameters, true)
}

@c @implementation
public func IoReportInterruptInactive(
  _ Parameters: PIO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS!
) {
  unsafe setActive("IoReportInterruptInactive", Parameters, false)
}
