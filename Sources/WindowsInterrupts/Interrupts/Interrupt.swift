// Floor 5, room Interrupts. The interrupt behind a PKINTERRUPT: one or more lines, one lock, a
// level; and the table of handles that leads to it. InterruptCalls, Messages and FrameworkInterrupt
// make one, with an object of the core for each line; PortCls lends the object it has. Made and
// ended on the driver's thread at PASSIVE_LEVEL, without the interrupt lock; any thread calls
// `acquire`, `release` and `synchronize`, up to the interrupt's level, which take it. A monitor
// guards the table.
import CUIO
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

@safe final class Interrupt: @unchecked Sendable {
  struct Member {
    let line: Line
    let object: InterruptSyncObject
  }

  let members: [Member]
  /// SynchronizeIrql: the level of the routines, and the highest that callers may have (K2).
  let irql: KIRQL
  let isPassive: Bool
  /// Whether the routine is called with the index of a message.
  private let isMessage: Bool
  private let spinLock: SpinLock?
  private(set) var handle: PKINTERRUPT
  private let isr: UnsafeMutablePointer<isw_isr>?
  /// KeAcquireInterruptSpinLock calls that were reported and refused. Belongs to the lock's owner.
  private var refused = 0

  private var object: InterruptSyncObject { members[0].object }
  var isInside: Bool { object.lock.isHeldByCaller }

  /// For a lent object, which its owner connects.
  init(lent object: InterruptSyncObject, line: Line) {
    members = [Member(line: line, object: object)]
    irql = line.irql
    isPassive = false
    isMessage = false
    spinLock = nil
    unsafe isr = nil
    unsafe handle = unsafe InterruptHandles.make()
    unsafe InterruptHandles.publish(handle, self)
  }

  /// For objects of its own, one for each line, under one lock.
  convenience init(
    _ lines: [Line], routine: @escaping PKSERVICE_ROUTINE, context: PVOID?,
    spinLock: SpinLock?, irql: KIRQL, isPassive: Bool
  ) {
    var called = unsafe isw_isr()
    unsafe called.routine = routine
    unsafe called.context = context
    unsafe called.irql = irql
    unsafe self.init(lines, called, spinLock, isPassive)
  }

  /// For one message, whose index its routine gets.
  convenience init(
    message line: Line, index: ULONG, routine: @escaping PKMESSAGE_SERVICE_ROUTINE,
    context: PVOID?, spinLock: SpinLock?, irql: KIRQL
  ) {
    var called = unsafe isw_isr()
    unsafe called.message_routine = routine
    unsafe called.message = index
    unsafe called.context = context
    unsafe called.irql = irql
    unsafe self.init([line], called, spinLock, false)
  }

  private init(_ lines: [Line], _ called: isw_isr, _ spinLock: SpinLock?, _ isPassive: Bool) {
    let lock = spinLock?.lock ?? InterruptLock()
    members = lines.map {
      Member(
        line: $0,
        object: InterruptSyncObject(
          source: $0.shared.source, mode: .normal, lock: lock, name: "vector \($0.vector)"))
    }
    irql = unsafe called.irql
    self.isPassive = isPassive
    isMessage = unsafe called.message_routine != nil
    self.spinLock = spinLock
    unsafe handle = unsafe InterruptHandles.make()
    let isr = UnsafeMutablePointer<isw_isr>.allocate(capacity: 1)
    unsafe isr.initialize(to: called)
    unsafe isr.pointee.interrupt = handle
    unsafe isr.pointee.active = 1
    unsafe self.isr = unsafe isr
    unsafe InterruptHandles.publish(handle, self)
  }

  deinit { unsafe isr?.deallocate() }

  /// Enters the lines and connects each. After a failure none stays connected.
  func connect(shares: Bool) throws(InterruptSyncError) {
    if let spinLock, !spinLock.join(irql) {
      Reports.violation(
        "IoConnectInterrupt", "K7",
        "interrupts with one spin lock need one SynchronizeIrql, the maximum of their IRQLs")
    }
    var entered: [Member] = []
    do throws(InterruptSyncError) {
      for member in members {
        guard member.line.enter(shares: shares) else {
          throw InterruptSyncError(
            .lineBusy, object: member.object.name, operation: "connect",
            cause: "the vector is connected already, and not all its users set ShareVector",
            hint: "set ShareVector for each interrupt of the vector, or disconnect the other")
        }
        entered.append(member)
        unsafe try member.object.registerServiceRoutine(
          isMessage ? isw_message_call : isw_isr_call, context: isr)
        try member.line.shared.connect(member.object)
      }
    } catch {
      leave(entered)
      throw error
    }
  }

  /// Masks and drains every line (N11).
  func disconnect() { leave(members) }

  private func leave(_ some: [Member]) {
    for member in some {
      member.line.shared.remove(member.object)
      member.line.leave()
    }
    spinLock?.leave()
  }

  /// Whether the routine is called. A line that no other interrupt services is masked meanwhile (W11).
  func setActive(_ isActive: Bool) {
    guard let isr = unsafe isr else { return }
    defer { for member in members { member.line.shared.setActive(member.object, isActive) } }
    let value: UCHAR = isActive ? 1 : 0
    guard !isInside else {
      unsafe isr.pointee.active = value
      return
    }
    try? object.callSynchronizedRoutine {
      unsafe isr.pointee.active = value
    }
  }

  var lock: InterruptLock { object.lock }

  /// Opens the gate for KeSynchronizeExecution.
  func open(_ gate: UnsafeMutablePointer<isw_gate>) {
    let entry = unsafe object.entry
    unsafe gate.pointee.calls = unsafe entry.pointer(to: \.calls)
    unsafe gate.pointee.irql = irql
    unsafe gate.pointee.limit = isPassive ? KIRQL(APC_LEVEL) : irql
    unsafe isw_store_lock(&gate.pointee.lock, entry.pointee.lock)
  }

  func synchronize(_ routine: PKSYNCHRONIZE_ROUTINE, _ context: PVOID?) -> BOOLEAN {
    let irql = irql
    let result = try? object.callSynchronizedRoutine { () -> BOOLEAN in
      let level = cuio_thread_set_level(Int32(irql))
      defer { _ = cuio_thread_set_level(level) }
      return unsafe routine(context)
    }
    return result ?? 0
  }

  /// Acquires the lock and raises to `irql`. Returns the previous level.
  func acquire() -> KIRQL {
    let level = KeGetCurrentIrql()
    if isInside {
      Reports.wouldDeadlock("KeAcquireInterruptSpinLock")
      refused += 1
    } else if (try? object.acquireInterruptLock()) != nil {
      _ = cuio_thread_set_level(Int32(irql))
    }
    return level
  }

  func release(_ level: KIRQL) {
    if isInside, refused > 0 {
      refused -= 1
    } else if !object.releaseInterruptLock(restoring: Int32(level)) {
      Reports.violation(
        "KeReleaseInterruptSpinLock", "K25", "the calling thread does not hold this lock")
    }
  }
}

/// PKINTERRUPT values. Their memory is never freed, and a value is used again only after many
/// others have ended, so that a use after the disconnect is reported and not obeyed (N14).
enum InterruptHandles {
  private static let monitor = Monitor()
  /// Ended ones, oldest first.
  nonisolated(unsafe) private static var ended: [PKINTERRUPT] = unsafe []
  private static let quarantine = 256

  static func make() -> PKINTERRUPT {
    unsafe monitor.locked {
      if unsafe ended.count > quarantine { return unsafe ended.removeFirst() }
      let handle = PKINTERRUPT.allocate(capacity: 1)
      unsafe handle.initialize(to: _KINTERRUPT())
      return unsafe handle
    }
  }

  /// Makes the handle lead to `interrupt`, and keep it.
  static func publish(_ handle: PKINTERRUPT, _ interrupt: Interrupt) {
    monitor.locked {
      unsafe handle.pointee.object = Unmanaged.passRetained(interrupt).toOpaque()
      unsafe interrupt.open(&handle.pointee.gate)
    }
  }

  /// The interrupt of a handle; reports a handle that has ended.
  static func interrupt(_ handle: PKINTERRUPT?, _ call: String) -> Interrupt? {
    if let found = unsafe current(handle) { return found }
    Reports.violation(
      call, "N14", "the interrupt object is NULL or disconnected; get it again after each connect"
    )
    return nil
  }

  /// Whether it is still connected under its handle.
  static func isLive(_ interrupt: Interrupt) -> Bool {
    unsafe current(interrupt.handle) === interrupt
  }

  private static func current(_ handle: PKINTERRUPT?) -> Interrupt? {
    guard let handle = unsafe handle else { return nil }
    return monitor.locked {
      unsafe handle.pointee.object.map {
        unsafe Unmanaged<Interrupt>.fromOpaque($0).takeUnretainedValue()
      }
    }
  }

  /// Ends a handle; nil if it has ended before. Waits for a routine of the interrupt, unless the
  /// caller is inside one.
  static func retire(_ handle: PKINTERRUPT) -> Interrupt? {
    guard let lock = unsafe current(handle)?.lock else { return nil }
    // A caller that comes through the gate checks it once more with the lock held.
    let isTaken = lock.acquire() == 0
    defer { if isTaken { lock.release() } }
    return monitor.locked {
      guard let object = unsafe handle.pointee.object else { return nil }
      unsafe handle.pointee.object = nil
      unsafe isw_store_lock(&handle.pointee.gate.lock, nil)
      unsafe ended.append(handle)
      return unsafe Unmanaged<Interrupt>.fromOpaque(object).takeRetainedValue()
    }
  }
}
