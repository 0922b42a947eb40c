// Floor 5, room PortCls. The Swift half of an IInterruptSync. PortCls/interrupt_sync.c has the COM
// table and passes drivers' calls on, on their threads: register, connect and disconnect at
// PASSIVE_LEVEL without the interrupt lock, a synchronized call up to the interrupt's level, which
// takes it. The monitor `changing` orders connect and disconnect, another guards the fields. A last
// release inside a routine ends the object on the deferred queue `dpc`.
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

@safe final class SyncObject: @unchecked Sendable {
  let line: Line
  let object: InterruptSyncObject
  private let com: UnsafeMutableRawPointer?
  /// Makes connect and disconnect one after the other.
  private let changing = Monitor()
  private let monitor = Monitor()
  private var interrupt: Interrupt?
  private var registrations: [ServiceRoutineRegistration] = []

  static let acceptsAnySuccess = Atomic<Bool>(true)

  init(_ line: Line, _ mode: InterruptSyncMode, com: UnsafeMutableRawPointer?) {
    self.line = line
    unsafe self.com = unsafe com
    var options = InterruptSyncOptions()
    options.acceptsAnySuccess = Self.acceptsAnySuccess.load(ordering: .relaxed)
    options.report = { Reports.notice("IInterruptSync", "N20", $0.description) }
    object = InterruptSyncObject(
      source: line.shared.source, mode: mode, name: "vector \(line.vector)", options: options)
    unsafe object.setObjectPointer(com)
  }

  static func of(_ sync: OpaquePointer?) -> SyncObject? {
    unsafe sync.map {
      unsafe Unmanaged<SyncObject>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue()
    }
  }

  /// The checks of calls that need PASSIVE_LEVEL: nil, or the status of the error.
  private func refusal(_ call: String) -> NTStatus? {
    if object.lock.isHeldByCaller {
      Reports.wouldDeadlock(call)
      return .possibleDeadlock
    }
    return Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) ? nil : .invalidDeviceState
  }

  func register(_ routine: InterruptSyncRoutine, _ context: PVOID?, first: Bool) -> NTSTATUS {
    let call = "IInterruptSync::RegisterServiceRoutine"
    if let refusal = refusal(call) { return refusal.rawValue }
    do throws(InterruptSyncError) {
      let registration = try unsafe object.registerServiceRoutine(
        routine, context: context, first: first)
      monitor.locked { registrations.append(registration) }
      return NTStatus.success.rawValue
    } catch { return Reports.failure(call, error) }
  }

  func connect() -> NTSTATUS {
    let call = "IInterruptSync::Connect"
    if let refusal = refusal(call) { return refusal.rawValue }
    return changing.locked {
      guard !monitor.locked({ registrations.isEmpty }) else {
        Reports.notice(call, "N9", "no service routine is registered")
        return NTStatus.unsuccessful.rawValue
      }
      guard monitor.locked({ interrupt }) == nil else {
        Reports.notice(call, "N9", "connected already; the current connection is unchanged")
        return NTStatus.invalidDeviceState.rawValue
      }
      guard line.enter(shares: true) else {
        Reports.notice(
          call, "N16", "the vector is connected by an interrupt that does not share it")
        return NTStatus.deviceBusy.rawValue
      }
      do throws(InterruptSyncError) {
        let interrupt = Interrupt(lent: object, line: line)
        monitor.locked { self.interrupt = interrupt }
        try line.shared.connect(object)
        return NTStatus.success.rawValue
      } catch {
        endConnection()
        return Reports.failure(call, error)
      }
    }
  }

  func disconnect() {
    guard refusal("IInterruptSync::Disconnect") == nil else { return }
    changing.locked { leave() }
  }

  /// Without the level check: for the last release.
  func leave() {
    guard monitor.locked({ interrupt }) != nil else { return }
    line.shared.remove(object)
    endConnection()
  }

  private func endConnection() {
    line.leave()
    let ended = monitor.locked { () -> Interrupt? in
      defer { interrupt = nil }
      return interrupt
    }
    if let ended { _ = unsafe InterruptHandles.retire(ended.handle) }
  }

  /// Opens the gate for CallSynchronizedRoutine, until the COM object's memory is freed.
  func open(_ gate: UnsafeMutablePointer<isw_gate>) {
    let entry = unsafe object.entry
    unsafe gate.initialize(
      to: isw_gate(
        lock: entry.pointee.lock, calls: entry.pointer(to: \.calls), irql: line.irql,
        limit: line.irql))
  }

  /// Any level.
  var handle: PKINTERRUPT? { unsafe monitor.locked { unsafe interrupt?.handle } }

  func call(_ routine: InterruptSyncRoutine, _ context: PVOID?) -> NTSTATUS {
    let call = "IInterruptSync::CallSynchronizedRoutine"
    if object.lock.isHeldByCaller {
      Reports.wouldDeadlock(call)
      return NTStatus.possibleDeadlock.rawValue
    }
    guard Reports.require(call, atMost: line.irql) else {
      return NTStatus.invalidDeviceState.rawValue
    }
    return unsafe object.callSynchronizedRoutine(routine, context: context).rawValue
  }

  /// Ends the object after its last reference (N12). A caller inside a routine cannot wait: no
  /// further routine is called, and the object ends on the DPC thread.
  func end(_ done: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void) {
    let com = unsafe UInt(bitPattern: com)
    let finish: @Sendable () -> Void = {
      self.leave()
      unsafe done(UnsafeMutableRawPointer(bitPattern: com))
    }
    let isInside = object.lock.isHeldByCaller
    guard isInside || KeGetCurrentIrql() > KIRQL(DISPATCH_LEVEL) else { return finish() }
    if isInside { for registration in monitor.locked({ registrations }) { registration.cancel() } }
    guard let queue = DeferredCalls.queue else { return }
    DeferredRoutine(on: queue, finish).enqueue()
  }
}

@c @implementation
public func isw_sync_create(
  _ vector: ULONG, _ mode: Int32, _ object: UnsafeMutableRawPointer!,
  _ sync: UnsafeMutablePointer<OpaquePointer?>!, _ gate: UnsafeMutablePointer<isw_gate>!
) -> NTSTATUS {
  guard let line = Vectors.line(vector) else { return NTStatus.notFound.rawValue }
  guard let mode = InterruptSyncMode(rawValue: mode) else {
    return NTStatus.invalidParameter.rawValue
  }
  // A release inside a routine needs the thread to run already.
  guard DeferredCalls.queue != nil else { return NTStatus.insufficientResources.rawValue }
  let made = unsafe SyncObject(line, mode, com: object)
  unsafe made.open(gate)
  unsafe sync.pointee = OpaquePointer(Unmanaged.passRetained(made).toOpaque())
  return NTStatus.success.rawValue
}

@c @implementation
public func isw_sync_release(
  _ sync: OpaquePointer!, _ done: (@convention(c) (UnsafeMutableRawPointer?) -> Void)!
) {
  guard let object = unsafe SyncObject.of(sync), let done = unsafe done else { return }
  unsafe object.end(done)
  unsafe Unmanaged.passUnretained(object).release()
}

@c @implementation
public func isw_sync_register(
  _ sync: OpaquePointer!, _ routine: isw_sync_routine!, _ context: PVOID!, _ first: Bool
) -> NTSTATUS {
  unsafe SyncObject.of(sync)!.register(routine, context, first: first)
}

@c @implementation
public func isw_sync_connect(_ sync: OpaquePointer!) -> NTSTATUS {
  unsafe SyncObject.of(sync)!.connect()
}

@c @implementation
public func isw_sync_disconnect(_ sync: OpaquePointer!) {
  unsafe SyncObject.of(sync)!.disconnect()
}

@c @implementation
public func isw_sync_call(
  _ sync: OpaquePointer!, _ routine: isw_sync_routine!, _ context: PVOID!
) -> NTSTATUS {
  unsafe SyncObject.of(sync)!.call(routine, context)
}

@c @implementation
public func isw_sync_kinterrupt(_ sync: OpaquePointer!) -> PKINTERRUPT! {
  unsafe SyncObject.of(sync)!.handle
}

@c @implementation
public func InterruptSyncAcceptAnySuccess(_ Accept: BOOLEAN) {
  SyncObject.acceptsAnySuccess.store(Accept != 0, ordering: .relaxed)
}
