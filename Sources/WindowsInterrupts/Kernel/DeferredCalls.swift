// Floor 5, room Kernel. DPCs: each KDPC holds the address of a deferred routine of the core.
// Drivers, the framework, service groups and timers queue them, on any thread at any level, without
// a lock or with any held. The deferred queues `dpc` (DISPATCH_LEVEL) and `threaded dpc`
// (PASSIVE_LEVEL) run them without the interrupt lock (D1 to D3, D14). A monitor guards the table
// of addresses; `isw_forget` clears it for memory that its owner gives back.
public import CWindowsInterrupts
import InterruptSync
import Synchronization

enum DeferredCalls {
  static let table = AddressTable<DeferredRoutine>()
  /// Starts with the first DPC or sync object and never ends. nil: the system refused a thread.
  static let queue: DeferredQueue? = try? DeferredQueue(name: "dpc")
  /// Starts with the first threaded DPC (D14).
  private static let threadedQueue: DeferredQueue? =
    try? DeferredQueue(passive: "threaded dpc")
  private static let hasThreaded = Atomic<Bool>(false)

  // KDPC.Kind, as Kernel/interrupt.c reads it.
  static let kindDPC: UCHAR = 0
  static let kindDevice: UCHAR = 1
  static let kindThreaded: UCHAR = 2

  static func prepare(
    _ dpc: PKDPC, _ routine: UnsafeMutableRawPointer?, _ context: PVOID?, _ kind: UCHAR
  ) {
    if kind == kindThreaded { hasThreaded.store(true, ordering: .releasing) }
    guard let queue = kind == kindThreaded ? threadedQueue : queue else {
      return Reports.notice("KeInitializeDpc", "N16", "cannot create a thread for DPCs")
    }
    unsafe dpc.initialize(
      to: KDPC(Routine: routine, Context: context, Queued: nil, Importance: 1, Kind: kind))
    let deferred = unsafe DeferredRoutine(on: queue, isw_dpc_call, context: dpc)
    unsafe dpc.pointee.Queued = unsafe Unmanaged.passUnretained(deferred).toOpaque()
    table.replace(UInt(bitPattern: dpc), with: deferred)?.remove()
  }

  /// Waits until all queued DPCs have run. Does not start the thread of the threaded ones.
  static func flush() throws(InterruptSyncError) {
    try queue?.flush()
    if hasThreaded.load(ordering: .acquiring) { try threadedQueue?.flush() }
  }

  static func routine(_ dpc: PKDPC, _ call: String) -> DeferredRoutine? {
    guard let queued = unsafe dpc.pointee.Queued else {
      Reports.violation(call, "D1", "the DPC has not been initialised")
      return nil
    }
    return unsafe Unmanaged<DeferredRoutine>.fromOpaque(queued).takeUnretainedValue()
  }
}

@c @implementation
public func KeInitializeDpc(
  _ Dpc: PKDPC!, _ DeferredRoutine: PKDEFERRED_ROUTINE!, _ DeferredContext: PVOID!
) {
  unsafe DeferredCalls.prepare(
    Dpc, unsafeBitCast(DeferredRoutine, to: UnsafeMutableRawPointer?.self), DeferredContext,
    DeferredCalls.kindDPC)
}

@c @implementation
public func KeInitializeThreadedDpc(
  _ Dpc: PKDPC!, _ DeferredRoutine: PKDEFERRED_ROUTINE!, _ DeferredContext: PVOID!
) {
  unsafe DeferredCalls.prepare(
    Dpc, unsafeBitCast(DeferredRoutine, to: UnsafeMutableRawPointer?.self), DeferredContext,
    DeferredCalls.kindThreaded)
}

@c @implementation
public func KeInsertQueueDpc(
  _ Dpc: PKDPC!, _ SystemArgument1: PVOID!, _ SystemArgument2: PVOID!
) -> BOOLEAN {
  let routine = unsafe DeferredCalls.routine(Dpc, "KeInsertQueueDpc")
  return unsafe routine?.enqueue(SystemArgument1, SystemArgument2) == true ? 1 : 0
}

@c @implementation
public func KeRemoveQueueDpc(_ Dpc: PKDPC!) -> BOOLEAN {
  unsafe DeferredCalls.routine(Dpc, "KeRemoveQueueDpc")?.remove() == true ? 1 : 0
}

@c @implementation
public func KeFlushQueuedDpcs() {
  guard Reports.require("KeFlushQueuedDpcs", atMost: KIRQL(PASSIVE_LEVEL)) else { return }
  do { try DeferredCalls.flush() } catch {
    Reports.violation("KeFlushQueuedDpcs", "D14", error.description)
  }
}

@c @implementation
public func KeSetImportanceDpc(_ Dpc: PKDPC!, _ Importance: KDPC_IMPORTANCE) {
  unsafe Dpc.pointee.Importance = UCHAR(truncatingIfNeeded: Importance.rawValue)
}

@c @implementation
public func IoInitializeDpcRequest(_ DeviceObject: PDEVICE_OBJECT!, _ DpcRoutine: PIO_DPC_ROUTINE!)
{
  let dpc = unsafe DeviceObject.pointer(to: \.Dpc)!
  unsafe DeferredCalls.prepare(
    dpc, unsafeBitCast(DpcRoutine, to: UnsafeMutableRawPointer?.self), DeviceObject,
    DeferredCalls.kindDevice)
}

@c @implementation
public func IoRequestDpc(
  _ DeviceObject: PDEVICE_OBJECT!, _ Irp: OpaquePointer!, _ Context: PVOID!
) {
  let dpc = unsafe DeviceObject.pointer(to: \.Dpc)!
  _ = unsafe KeInsertQueueDpc(dpc, UnsafeMutableRawPointer(Irp), Context)
}

/// Ends the timers, DPCs and spin locks in a block of memory that its owner gives back.
@c @implementation
public func isw_forget(_ address: UnsafeRawPointer!, _ length: Int) {
  let start = UInt(bitPattern: address)
  let range = start..<start + UInt(length)
  // Before the DPCs, which the timers would queue.
  if unsafe isw_timers_forget(address, length) > 0 {
    Reports.violation(
      "KTIMER", "D11",
      "memory with a set timer or its DPC is being released; the timer was cancelled: cancel it first"
    )
  }
  for routine in DeferredCalls.table.forget(range) { routine.remove() }
  _ = SpinLocks.table.forget(range)
}
