// WDFWORKITEM.
public import CWindowsInterrupts
import InterruptSync

@safe final class FrameworkWorkItem: FrameworkObject, @unchecked Sendable {
  private let config: WDF_WORKITEM_CONFIG
  private let owner: FrameworkDevice
  private(set) var routine: PassiveRoutine?

  init(_ attributes: FrameworkAttributes, _ config: WDF_WORKITEM_CONFIG, _ owner: FrameworkDevice) {
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

private func find(_ handle: WDFWORKITEM?, _ call: String) -> FrameworkWorkItem? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfWorkItemCreate(
  _ Config: PWDF_WORKITEM_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ WorkItem: UnsafeMutablePointer<WDFWORKITEM?>!
) -> NTSTATUS {
  let call = "WdfWorkItemCreate"
  return unsafe FrameworkFailure.catching(call, WorkItem, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_WORKITEM_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtWorkItemFunc != nil else { throw .invalidParameter }
    let (attributes, parent, device) = unsafe try FrameworkAttributes.ofDeviceChild(
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
  _ = unsafe find(WorkItem, call)?.routine?.enqueue()
}

@c @implementation
public func WdfWorkItemFlush(_ WorkItem: WDFWORKITEM!) {
  let call = "WdfWorkItemFlush"
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)),
    let routine = unsafe find(WorkItem, call)?.routine
  else { return }
  guard !routine.isRunningCaller else {
    return Reports.violation(call, "D12", "called in the work item's own callback")
  }
  routine.flush()
}

@c @implementation
public func WdfWorkItemGetParentObject(_ WorkItem: WDFWORKITEM!) -> WDFOBJECT! {
  unsafe find(WorkItem, "WdfWorkItemGetParentObject")?.parentHandle
}
