// WDFDPC.
public import CWindowsInterrupts
import InterruptSync

@safe final class FrameworkDPC: FrameworkObject, @unchecked Sendable {
  private let config: WDF_DPC_CONFIG
  private let owner: FrameworkDevice
  private(set) var routine: DispatchRoutine?

  init(_ attributes: FrameworkAttributes, _ config: WDF_DPC_CONFIG, _ owner: FrameworkDevice) {
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

private func find(_ handle: WDFDPC?, _ call: String) -> FrameworkDPC? {
  unsafe FrameworkHandles.object(handle, call)
}

@c @implementation
public func WdfDpcCreate(
  _ Config: PWDF_DPC_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Dpc: UnsafeMutablePointer<WDFDPC?>!
) -> NTSTATUS {
  let call = "WdfDpcCreate"
  return unsafe FrameworkFailure.catching(call, Dpc, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_DPC_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard unsafe config.EvtDpcFunc != nil else { throw .invalidParameter }
    let (attributes, parent, device) = unsafe try FrameworkAttributes.ofDeviceChild(
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
  unsafe find(Dpc, "WdfDpcEnqueue")?.routine?.enqueue() == true ? 1 : 0
}

@c @implementation
public func WdfDpcCancel(_ Dpc: WDFDPC!, _ Wait: BOOLEAN) -> BOOLEAN {
  let call = "WdfDpcCancel"
  guard let routine = unsafe find(Dpc, call)?.routine else { return 0 }
  let removed = routine.remove()
  if Wait != 0, Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) { KeFlushQueuedDpcs() }
  return removed ? 1 : 0
}

@c @implementation
public func WdfDpcGetParentObject(_ Dpc: WDFDPC!) -> WDFOBJECT! {
  unsafe find(Dpc, "WdfDpcGetParentObject")?.parentHandle
}

@c @implementation
public func WdfDpcWdmGetDpc(_ Dpc: WDFDPC!) -> PKDPC! {
  unsafe find(Dpc, "WdfDpcWdmGetDpc")?.routine?.dpc
}
