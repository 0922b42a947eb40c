// Floor 5, room Framework. WDFINTERRUPT: a lock for life, and a WDM interrupt behind it while it is
// connected (N24). InterruptCreation makes it, FrameworkInterruptCalls passes drivers' calls on:
// acquire, release and synchronize (W19 to W25) take the interrupt's lock, on any thread at the
// level that 4.6 allows. Under that lock this layer takes monitors for a moment and no other lock.
// DPC and work item callbacks run without it, on `dpc` and the threads `work item`.
import CUIO
import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

@safe final class FrameworkInterrupt: FrameworkObject, @unchecked Sendable {
  let owner: FrameworkScope
  let config: WDF_INTERRUPT_CONFIG
  let isPassive: Bool
  /// Its own, or one that it shares (W5).
  let lock: SpinLock
  /// The place in the order of creation. Set once, by the device.
  var number: ULONG = 0 { didSet { show() } }
  /// The device's line that it serves; nil: none (W3). Written under `lock`, while it is not
  /// connected.
  private(set) var line: Line?
  /// SynchronizeIrql. Changed only while it is not connected.
  private(set) var irql: KIRQL
  /// Guarded by `lock`.
  private var policy = WDF_INTERRUPT_EXTENDED_POLICY()
  /// Guards `shown`, which a routine of another interrupt may ask for. Innermost, also below `lock`.
  private let showing = Monitor()
  private var shown = WDF_INTERRUPT_INFO()

  /// The PKINTERRUPT, from before the line is open until the disconnect has begun.
  let connection = unsafe Atomic<UnsafeMutableRawPointer?>(nil)
  /// Orders connect and disconnect.
  let changing = Monitor()
  /// Guarded by `changing` (N25).
  var isForcedOff = false
  /// Written under both `changing` and `lock`.
  var interrupt: Interrupt?

  // Belong to the lock's owner: the level before WdfInterruptAcquireLock, and acquisitions that
  // were reported and refused.
  var levelBefore: KIRQL = 0
  var refusedInside = 0
  /// Acquisitions that were reported and refused, by threads without the lock.
  let refusedOutside = Atomic<Int>(0)
  /// The thread that is in the serialized work item callback, or 0 (W15).
  let serializedThread = Atomic<UInt32>(0)

  let isr: UnsafeMutablePointer<isw_wdf_isr>
  private(set) var dpc: DispatchRoutine?
  private(set) var workItem: PassiveRoutine?

  /// The level of an interrupt without a line: the lowest that devices have.
  static let lowestDeviceLevel: KIRQL = 3

  /// It was made in EvtDevicePrepareHardware, for a resource of its own.
  var hasOwnResource: Bool { unsafe config.InterruptTranslated != nil }

  init(
    _ attributes: FrameworkAttributes, _ config: WDF_INTERRUPT_CONFIG, _ owner: FrameworkScope,
    lock: SpinLock?
  ) {
    self.owner = owner
    unsafe self.config = unsafe config
    self.lock = lock ?? SpinLock()
    isPassive = unsafe config.PassiveHandling != 0
    irql = isPassive ? KIRQL(PASSIVE_LEVEL) : Self.lowestDeviceLevel
    unsafe isr = .allocate(capacity: 1)
    super.init(attributes)
    unsafe isr.initialize(
      to: isw_wdf_isr(
        routine: config.EvtInterruptIsr, interrupt: handle, message: 0, synchronized: 0))
    openGate()
  }

  private var gate: UnsafeMutablePointer<isw_gate> {
    let header = unsafe UnsafeMutablePointer<isw_wdf_object>(handle)
    return unsafe header.pointer(to: \.gate)!
  }

  /// Opens the gate for WdfInterruptSynchronize. Not with AutomaticSerialization: its callbacks must
  /// not call it, and the slow half checks that (W15).
  private func openGate() {
    guard unsafe config.AutomaticSerialization == 0 else { return }
    unsafe gate.pointee.calls = isr.pointer(to: \.synchronized)!
    unsafe gate.pointee.irql = irql
    unsafe gate.pointee.limit = KIRQL(isPassive ? PASSIVE_LEVEL : DISPATCH_LEVEL)
    unsafe isw_store_lock(&gate.pointee.lock, lock.lock.raw)
  }

  deinit { unsafe isr.deallocate() }

  /// Makes the routines that carry the DPC or work item. False: no memory.
  func prepareDeferred() -> Bool {
    if unsafe config.EvtInterruptDpc != nil {
      dpc = DispatchRoutine { [weak self] in self?.runDPC() }
    } else if unsafe config.EvtInterruptWorkItem != nil {
      let routine = unsafe PassiveRoutine(owner.windows.object) { [weak self] in
        self?.runWorkItem()
      }
      guard let routine else { return false }
      workItem = routine
      // From an ISR the work item is queued by way of a DPC (W17).
      dpc = DispatchRoutine { _ = routine.enqueue() }
    }
    return true
  }

  override var isFrameworkOwned: Bool { true }

  override func stop() {
    if changing.locked({ interrupt != nil }) { _ = powerDown(isGone: false) }
    dpc?.stop()
    workItem?.stop()
    // A caller that comes through the gate checks it once more with the lock held.
    withLock("WDFINTERRUPT") { unsafe isw_store_lock(&gate.pointee.lock, nil) }
  }

  func setLine(_ new: Line?) {
    withLock("WDFINTERRUPT") {
      line = new
      unsafe isr.pointee.message = new?.message ?? 0
      show()
    }
  }

  func setPolicy(_ new: WDF_INTERRUPT_EXTENDED_POLICY, _ call: String) {
    withLock(call) {
      policy = new
      show()
    }
  }

  /// For WdfInterruptGetInfo (W32). Any level: never waits for a routine.
  var info: WDF_INTERRUPT_INFO {
    showing.locked { shown }
  }

  private func show() {
    var info = WDF_INTERRUPT_INFO()
    info.Size = ULONG(MemoryLayout<WDF_INTERRUPT_INFO>.size)
    info.MessageNumber = line?.message ?? number
    if let line {
      info.MessageSignaled = line.message == nil ? 0 : 1
      // The processors that the policy names, or all.
      let named = policy.TargetProcessorSetAndGroup.Mask
      info.TargetProcessorSet = named == 0 ? ~0 : named
      info.Group = policy.TargetProcessorSetAndGroup.Group
      info.Vector = line.vector
      info.Irql = isPassive ? KIRQL(PASSIVE_LEVEL) : line.irql
      info.Mode = line.isLatched ? Latched : LevelSensitive
      info.ShareDisposition = UCHAR(CmResourceShareShared.rawValue)
    }
    showing.locked { shown = info }
  }

  /// W5. Without a line, or passive, it keeps the level it has.
  func assignLevel(among all: [FrameworkInterrupt]) {
    guard !isPassive, line != nil else { return }
    irql =
      all.filter { $0.lock === lock && !$0.isPassive }.compactMap { $0.line?.irql }.max() ?? irql
    withLock("WDFINTERRUPT") { unsafe gate.pointee.irql = irql }
  }

  private func runDPC() {
    unsafe owner.serialized(config.AutomaticSerialization != 0) {
      FrameworkCall.run("EvtInterruptDpc", at: KIRQL(DISPATCH_LEVEL)) {
        unsafe config.EvtInterruptDpc?(handle, owner.rawHandle)
      }
    }
  }

  private func runWorkItem() {
    let isSerialized = unsafe config.AutomaticSerialization != 0
    owner.serialized(isSerialized) {
      if isSerialized { serializedThread.store(cuio_thread_id(), ordering: .relaxed) }
      FrameworkCall.run("EvtInterruptWorkItem", at: KIRQL(PASSIVE_LEVEL)) {
        unsafe config.EvtInterruptWorkItem?(handle, owner.rawHandle)
      }
      if isSerialized { serializedThread.store(0, ordering: .relaxed) }
    }
  }
}

// MARK: The lock

extension FrameworkInterrupt {
  var isInside: Bool { lock.lock.isHeldByCaller }

  /// Runs `body` under the lock, connected or not. nil: the lock was refused, which is reported.
  @discardableResult
  func withLock<R>(_ call: String, _ body: () -> R) -> R? {
    guard mayTake(call) else { return nil }
    defer { lock.lock.release() }
    return body()
  }

  /// Acquires the lock. False for a caller inside already, which is reported.
  private func mayTake(_ call: String) -> Bool {
    let result = lock.lock.acquire()
    if result == 0 { return true }
    if isInside {
      Reports.wouldDeadlock(call)
    } else {
      Reports.violation(call, "K24", "the lock's owner ended, or waits for a lock of the caller")
    }
    return false
  }

  /// Reports a call that the serialized work item callback must not make (W15). The call goes on:
  /// here it does not deadlock.
  func checkSerialized(_ call: String) {
    guard serializedThread.load(ordering: .relaxed) == cuio_thread_id() else { return }
    Reports.violation(
      call, "W15", "called in the work item callback of an interrupt with AutomaticSerialization")
  }

  func synchronize(_ routine: PFN_WDF_INTERRUPT_SYNCHRONIZE, _ context: WDFCONTEXT?) -> BOOLEAN {
    let call = "WdfInterruptSynchronize"
    if isInside {
      Reports.wouldDeadlock(call)
      return 0
    }
    guard Reports.require(call, atMost: KIRQL(isPassive ? PASSIVE_LEVEL : DISPATCH_LEVEL)) else {
      return 0
    }
    checkSerialized(call)
    let result = withLock(call) {
      FrameworkCall.run("EvtInterruptSynchronize", at: irql) {
        unsafe routine(handle, context)
      }
    }
    return result ?? 0
  }

  func acquire() {
    let call = "WdfInterruptAcquireLock"
    checkSerialized(call)
    let level = KeGetCurrentIrql()
    guard mayAcquire(call, at: level), mayTake(call) else {
      if isInside { refusedInside += 1 } else { refusedOutside.wrappingAdd(1, ordering: .relaxed) }
      return
    }
    levelBefore = level
    if !isPassive { _ = cuio_thread_set_level(Int32(irql)) }
  }

  private func mayAcquire(_ call: String, at level: KIRQL) -> Bool {
    guard isPassive else {
      if unsafe connection.load(ordering: .sequentiallyConsistent) == nil {
        Reports.violation(
          call, "W23", "the interrupt is not connected; use its lock from Enable to Disable")
        return false
      }
      return isInside || Reports.require(call, atMost: irql)
    }
    guard level > KIRQL(PASSIVE_LEVEL) else { return true }
    Reports.violation(
      call, "W16", "called at IRQL \(level); a passive-level interrupt's lock needs PASSIVE_LEVEL")
    return false
  }

  func tryAcquire() -> Bool {
    let call = "WdfInterruptTryToAcquireLock"
    guard isPassive else {
      Reports.violation(call, "W24", "the interrupt is not handled at PASSIVE_LEVEL")
      return false
    }
    guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)), lock.lock.tryAcquire() else {
      return false
    }
    levelBefore = KIRQL(PASSIVE_LEVEL)
    return true
  }

  func release() {
    let call = "WdfInterruptReleaseLock"
    guard isInside else {
      // Pairs with a refused acquisition, or with none.
      let refused = refusedOutside.load(ordering: .relaxed)
      if refused > 0 {
        refusedOutside.wrappingSubtract(1, ordering: .relaxed)
      } else {
        Reports.violation(call, "W22", "the calling thread does not hold this lock")
      }
      return
    }
    if refusedInside > 0 {
      refusedInside -= 1
      return
    }
    let level = KeGetCurrentIrql()
    if level != irql {
      Reports.violation(
        call, "W22", "called at IRQL \(level); the lock was acquired at \(irql)")
    }
    _ = cuio_thread_set_level(Int32(levelBefore))
    lock.lock.release()
  }
}
