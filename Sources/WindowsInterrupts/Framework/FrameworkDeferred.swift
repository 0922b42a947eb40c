// Floor 5, room Framework. WDFDPC, WDFWORKITEM and WDFTIMER: objects below a device whose callbacks
// run later. Drivers call them on any thread up to DISPATCH_LEVEL, and queue a DPC at any level.
// The deferred queue `dpc` runs DPCs and timers, the threads `work item` run work items and passive
// timers: without the interrupt lock, and with the device's callback lock if they are serialized
// (W14).
public import CWindowsInterrupts
import InterruptSync

// MARK: WDFDPC

@safe final class FrameworkDPC: FrameworkObject, @unchecked Sendable {
  private let config: WDF_DPC_CONFIG
  private let owner: FrameworkScope
  private(set) var routine: DispatchRoutine?

  init(_ attributes: FrameworkAttributes, _ config: WDF_DPC_CONFIG, _ owner: FrameworkScope) {
    self.config = config
    self.owner = owner
    super.init(attributes)
    routine = DispatchRoutine { [weak self] in self?.whileReferenced { self?.run() } }
  }

  override func stop() { routine?.stop() }

  private func run() {
    owner.serialized(config.AutomaticSerialization != 0) {
      FrameworkCall.run("EvtDpcFunc", at: KIRQL(DISPATCH_LEVEL)) {
        unsafe config.EvtDpcFunc?(handle)
      }
    }
  }
}

private func findDPC(_ handle: WDFDPC?, _ call: String) -> FrameworkDPC? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfDpcCreate(
  _ Config: PWDF_DPC_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Dpc: UnsafeMutablePointer<WDFDPC?>!
) -> NTSTATUS {
  let call = "WdfDpcCreate"
  return unsafe FrameworkObject.create(call, Dpc, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_DPC_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtDpcFunc != nil else { throw .invalidParameter }
    let (attributes, parent, device) = unsafe try FrameworkScope.ofChild(
      call, Attributes)
    try device.requireLevel(
      dispatch: true, ifSerialized: config.AutomaticSerialization != 0)
    let made = FrameworkDPC(attributes, config, device)
    try made.begin(below: parent)
    return made
  }
}

@c @implementation
public func WdfDpcEnqueue(_ Dpc: WDFDPC!) -> BOOLEAN {
  unsafe findDPC(Dpc, "WdfDpcEnqueue")?.routine?.enqueue() == true ? 1 : 0
}

@c @implementation
public func WdfDpcCancel(_ Dpc: WDFDPC!, _ Wait: BOOLEAN) -> BOOLEAN {
  let call = "WdfDpcCancel"
  guard let routine = unsafe findDPC(Dpc, call)?.routine else { return 0 }
  let removed = routine.remove()
  if Wait != 0, Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) { KeFlushQueuedDpcs() }
  return removed ? 1 : 0
}

@c @implementation
public func WdfDpcGetParentObject(_ Dpc: WDFDPC!) -> WDFOBJECT! {
  unsafe findDPC(Dpc, "WdfDpcGetParentObject")?.parentHandle
}

@c @implementation
public func WdfDpcWdmGetDpc(_ Dpc: WDFDPC!) -> PKDPC! {
  unsafe findDPC(Dpc, "WdfDpcWdmGetDpc")?.routine?.dpc
}

// MARK: WDFWORKITEM

@safe final class FrameworkWorkItem: FrameworkObject, @unchecked Sendable {
  private let config: WDF_WORKITEM_CONFIG
  private let owner: FrameworkScope
  private(set) var routine: PassiveRoutine?

  init(_ attributes: FrameworkAttributes, _ config: WDF_WORKITEM_CONFIG, _ owner: FrameworkScope) {
    self.config = config
    self.owner = owner
    super.init(attributes)
    routine = unsafe PassiveRoutine(owner.windows.object) { [weak self] in
      self?.whileReferenced { self?.run() }
    }
  }

  override func stop() { routine?.stop() }

  private func run() {
    owner.serialized(config.AutomaticSerialization != 0) {
      FrameworkCall.run("EvtWorkItemFunc", at: KIRQL(PASSIVE_LEVEL)) {
        unsafe config.EvtWorkItemFunc?(handle)
      }
    }
  }
}

private func findWorkItem(_ handle: WDFWORKITEM?, _ call: String) -> FrameworkWorkItem? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfWorkItemCreate(
  _ Config: PWDF_WORKITEM_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ WorkItem: UnsafeMutablePointer<WDFWORKITEM?>!
) -> NTSTATUS {
  let call = "WdfWorkItemCreate"
  return unsafe FrameworkObject.create(call, WorkItem, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_WORKITEM_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtWorkItemFunc != nil else { throw .invalidParameter }
    let (attributes, parent, device) = unsafe try FrameworkScope.ofChild(
      call, Attributes)
    try device.requireLevel(
      dispatch: false, ifSerialized: config.AutomaticSerialization != 0)
    let made = FrameworkWorkItem(attributes, config, device)
    guard made.routine != nil else {
      made.abandon()
      throw .noResources
    }
    try made.begin(below: parent)
    return made
  }
}

@c @implementation
public func WdfWorkItemEnqueue(_ WorkItem: WDFWORKITEM!) {
  let call = "WdfWorkItemEnqueue"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else { return }
  _ = unsafe findWorkItem(WorkItem, call)?.routine?.enqueue()
}

@c @implementation
public func WdfWorkItemFlush(_ WorkItem: WDFWORKITEM!) {
  let call = "WdfWorkItemFlush"
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)),
    let routine = unsafe findWorkItem(WorkItem, call)?.routine
  else { return }
  guard !routine.isRunningCaller else {
    return Reports.violation(call, "D12", "called in the work item's own callback")
  }
  routine.flush()
}

@c @implementation
public func WdfWorkItemGetParentObject(_ WorkItem: WDFWORKITEM!) -> WDFOBJECT! {
  unsafe findWorkItem(WorkItem, "WdfWorkItemGetParentObject")?.parentHandle
}

// MARK: WDFTIMER

@safe final class FrameworkTimer: FrameworkObject, @unchecked Sendable {
  private let config: WDF_TIMER_CONFIG
  private let owner: FrameworkScope
  private let timer: PKTIMER
  private var dispatch: DispatchRoutine?
  private var passive: PassiveRoutine?

  init(
    _ attributes: FrameworkAttributes, _ config: WDF_TIMER_CONFIG, _ owner: FrameworkScope
  ) {
    self.config = config
    self.owner = owner
    unsafe timer = .allocate(capacity: 1)
    unsafe timer.initialize(to: KTIMER())
    unsafe KeInitializeTimer(timer)
    super.init(attributes)
  }

  deinit { unsafe timer.deallocate() }

  /// Makes the routines that carry the callback. False: no memory.
  func prepare(isPassive: Bool) -> Bool {
    guard isPassive else {
      dispatch = DispatchRoutine { [weak self] in
        self?.whileReferenced { self?.run(at: DISPATCH_LEVEL) }
      }
      return true
    }
    let routine = unsafe PassiveRoutine(owner.windows.object) { [weak self] in
      self?.whileReferenced { self?.run(at: PASSIVE_LEVEL) }
    }
    guard let routine else { return false }
    passive = routine
    dispatch = DispatchRoutine { _ = routine.enqueue() }
    return true
  }

  override func stop() {
    _ = unsafe KeCancelTimer(timer)
    dispatch?.stop()
    passive?.stop()
  }

  func start(_ due: LONGLONG) -> Bool {
    var time = LARGE_INTEGER()
    unsafe time.QuadPart = due
    return unsafe KeSetTimerEx(timer, time, LONG(config.Period), dispatch?.dpc) != 0
  }

  func stop(_ call: String, wait: Bool) -> Bool {
    let wasSet = unsafe KeCancelTimer(timer) != 0
    let wasQueued = dispatch?.remove() == true
    if wait, Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) {
      if passive?.isRunningCaller == true {
        Reports.violation(call, "D11", "called in the timer's own callback, with Wait")
      } else {
        KeFlushQueuedDpcs()
        passive?.flush()
      }
    }
    return wasSet || wasQueued
  }

  private func run(at level: Int32) {
    owner.serialized(config.AutomaticSerialization != 0) {
      FrameworkCall.run("EvtTimerFunc", at: KIRQL(level)) {
        unsafe config.EvtTimerFunc?(handle)
      }
    }
  }
}

private func findTimer(_ handle: WDFTIMER?, _ call: String) -> FrameworkTimer? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfTimerCreate(
  _ Config: PWDF_TIMER_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Timer: UnsafeMutablePointer<WDFTIMER?>!
) -> NTSTATUS {
  let call = "WdfTimerCreate"
  return unsafe FrameworkObject.create(call, Timer, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_TIMER_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtTimerFunc != nil, config.Period <= ULONG(LONG.max) else {
      throw .invalidParameter
    }
    let (attributes, parent, device) = unsafe try FrameworkScope.ofChild(
      call, Attributes, allowing: .executionLevel)
    let isPassive = unsafe attributes.raw.ExecutionLevel == WdfExecutionLevelPassive
    if isPassive, config.Period > 0 { throw FrameworkFailure(.notSupported) }
    try device.requireLevel(
      dispatch: !isPassive, ifSerialized: config.AutomaticSerialization != 0)
    let made = FrameworkTimer(attributes, config, device)
    guard made.prepare(isPassive: isPassive) else {
      made.abandon()
      throw .noResources
    }
    try made.begin(below: parent)
    return made
  }
}

@c @implementation
public func WdfTimerStart(_ Timer: WDFTIMER!, _ DueTime: LONGLONG) -> BOOLEAN {
  let call = "WdfTimerStart"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else { return 0 }
  return unsafe findTimer(Timer, call)?.start(DueTime) == true ? 1 : 0
}

@c @implementation
public func WdfTimerStop(_ Timer: WDFTIMER!, _ Wait: BOOLEAN) -> BOOLEAN {
  let call = "WdfTimerStop"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else { return 0 }
  return unsafe findTimer(Timer, call)?.stop(call, wait: Wait != 0) == true ? 1 : 0
}

@c @implementation
public func WdfTimerGetParentObject(_ Timer: WDFTIMER!) -> WDFOBJECT! {
  unsafe findTimer(Timer, "WdfTimerGetParentObject")?.parentHandle
}
