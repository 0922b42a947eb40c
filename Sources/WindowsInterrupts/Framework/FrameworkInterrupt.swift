// WDFINTERRUPT: a lock for life, and a WDM interrupt behind it while connected (N24). The lock is
// always the innermost: under it nothing else is taken.
import CUIO
import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

@safe final class FrameworkInterrupt: FrameworkObject, @unchecked Sendable {
  let owner: FrameworkDevice
  let config: WDF_INTERRUPT_CONFIG
  let isPassive: Bool
  /// Its own, or one that it shares (W5).
  let lock: SpinLock
  /// The place in the order of creation. Set once, by the device.
  var number: ULONG = 0
  /// The device's line that it stands for; nil: none (W3). Written under `lock`, while it is not
  /// connected.
  private(set) var line: Line?
  /// SynchronizeIrql. Changed only while it is not connected.
  private(set) var irql: KIRQL
  /// Guarded by `lock`.
  var policy = WDF_INTERRUPT_EXTENDED_POLICY()

  /// The PKINTERRUPT, from before the line is open until the disconnect has begun.
  let connection = unsafe Atomic<UnsafeMutableRawPointer?>(nil)
  /// Makes connect and disconnect one after the other.
  let changing = Monitor()
  /// Guarded by `changing` (N25).
  var isForcedOff = false
  /// Written under both `changing` and `lock`.
  var interrupt: Interrupt?

  // Belong to the lock's owner: the level before WdfInterruptAcquireLock, and acquisitions that
  // were reported and not made.
  var levelBefore: KIRQL = 0
  var refusedInside = 0
  /// Acquisitions that were reported and not made, by threads without the lock.
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
    _ attributes: FrameworkAttributes, _ config: WDF_INTERRUPT_CONFIG, _ owner: FrameworkDevice,
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
        routine: config.EvtInterruptIsr, interrupt: handle, synchronized: 0))
    openGate()
  }

  private var gate: UnsafeMutablePointer<isw_gate> {
    let header = unsafe UnsafeMutablePointer<isw_wdf_object>(handle)
    return unsafe header.pointer(to: \.gate)!
  }

  /// Lets WdfInterruptSynchronize in. Not with AutomaticSerialization, whose callbacks must not call
  /// it, which is looked at on the longer way (W15).
  private func openGate() {
    guard unsafe config.AutomaticSerialization == 0 else { return }
    unsafe gate.pointee.calls = isr.pointer(to: \.synchronized)!
    unsafe gate.pointee.irql = irql
    unsafe gate.pointee.limit = KIRQL(isPassive ? PASSIVE_LEVEL : DISPATCH_LEVEL)
    unsafe isw_store_lock(&gate.pointee.lock, lock.lock.raw)
  }

  deinit { unsafe isr.deallocate() }

  /// Makes what carries the DPC or work item. False: no memory.
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
    // Who comes through the gate looks at it once more with the lock held.
    withLock("WDFINTERRUPT") { unsafe isw_store_lock(&gate.pointee.lock, nil) }
    owner.forget(self)
  }

  func setLine(_ new: Line?) { withLock("WDFINTERRUPT") { line = new } }

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
