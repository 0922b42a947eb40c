// WDFTIMER: a KTIMER whose DPC calls the driver, or queues what does so at PASSIVE_LEVEL.
public import CWindowsInterrupts
import InterruptSync

@safe final class FrameworkTimer: FrameworkObject, @unchecked Sendable {
  private let config: WDF_TIMER_CONFIG
  private let owner: FrameworkDevice
  private let timer: PKTIMER
  private var dispatch: DispatchRoutine?
  private var passive: PassiveRoutine?

  init(
    _ attributes: FrameworkAttributes, _ config: WDF_TIMER_CONFIG, _ owner: FrameworkDevice
  ) {
    self.config = config
    self.owner = owner
    unsafe timer = .allocate(capacity: 1)
    unsafe timer.initialize(to: KTIMER())
    unsafe KeInitializeTimer(timer)
    super.init(attributes)
  }

  deinit { unsafe timer.deallocate() }

  /// Makes what carries the callback. False: no memory.
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

private func find(_ handle: WDFTIMER?, _ call: String) -> FrameworkTimer? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfTimerCreate(
  _ Config: PWDF_TIMER_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Timer: UnsafeMutablePointer<WDFTIMER?>!
) -> NTSTATUS {
  let call = "WdfTimerCreate"
  return unsafe FrameworkFailure.catching(call, Timer, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_TIMER_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtTimerFunc != nil, config.Period <= ULONG(LONG.max) else {
      throw .invalidParameter
    }
    let (attributes, parent, device) = unsafe try FrameworkAttributes.ofDeviceChild(
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
  return unsafe find(Timer, call)?.start(DueTime) == true ? 1 : 0
}

@c @implementation
public func WdfTimerStop(_ Timer: WDFTIMER!, _ Wait: BOOLEAN) -> BOOLEAN {
  let call = "WdfTimerStop"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else { return 0 }
  return unsafe find(Timer, call)?.stop(call, wait: Wait != 0) == true ? 1 : 0
}

@c @implementation
public func WdfTimerGetParentObject(_ Timer: WDFTIMER!) -> WDFOBJECT! {
  unsafe find(Timer, "WdfTimerGetParentObject")?.parentHandle
}
