// Floor 5, room Framework. What carries a callback of the framework: a KDPC at DISPATCH_LEVEL, or a
// WDM work item at PASSIVE_LEVEL. FrameworkInterrupt and FrameworkDeferred queue them on any
// thread: the first at any level, the second up to DISPATCH_LEVEL. The deferred queue `dpc` and the
// threads `work item` run the bodies, without the interrupt lock. A monitor guards each work item's
// state and is not held while its body runs.
import CUIO
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

/// A KDPC of the framework's own, and the body that it calls.
@safe final class DispatchRoutine: @unchecked Sendable {
  let dpc: PKDPC
  private let body: @Sendable () -> Void

  /// `body` runs at DISPATCH_LEVEL on the DPC thread. Up to DISPATCH_LEVEL.
  init(_ body: @escaping @Sendable () -> Void) {
    self.body = body
    unsafe dpc = .allocate(capacity: 1)
    unsafe dpc.initialize(to: KDPC())
    unsafe KeInitializeDpc(dpc, Self.call, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit {
    unsafe isw_forget(dpc, MemoryLayout<KDPC>.size)
    unsafe dpc.deallocate()
  }

  private static let call: PKDEFERRED_ROUTINE = { _, context, _, _ in
    guard let context = unsafe context else { return }
    unsafe Unmanaged<DispatchRoutine>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.body() }
  }

  /// Any level.
  func enqueue() -> Bool { unsafe KeInsertQueueDpc(dpc, nil, nil) != 0 }

  /// Any level; does not wait.
  func remove() -> Bool { unsafe KeRemoveQueueDpc(dpc) != 0 }

  /// Removes it from the queue, and waits for a call that runs, if the level allows that; otherwise
  /// keeps its memory until the call has ended: DPCs run one after the other.
  func stop() {
    _ = remove()
    guard KeGetCurrentIrql() > KIRQL(PASSIVE_LEVEL) else { return KeFlushQueuedDpcs() }
    guard let queue = DeferredCalls.queue else { return }
    let keeper = DeferredRoutine(on: queue) { withExtendedLifetime(self) {} }
    keeper.enqueue()
  }
}

/// A work item of WDM's with what the framework needs beside it: one call at a time, a wait for
/// calls, and an end while it is queued.
@safe final class PassiveRoutine: @unchecked Sendable {
  private let item: PIO_WORKITEM
  private let body: @Sendable () -> Void
  private let monitor = Monitor()
  /// Calls that were asked for, begun, and ended: the difference of two neighbours is 0 or 1.
  private var asked: UInt64 = 0
  private var begun: UInt64 = 0
  private var ended: UInt64 = 0
  /// The thread of the call that runs, or 0.
  private var runner: UInt32 = 0
  private var hasStopped = false

  /// nil: no memory. `body` runs at PASSIVE_LEVEL on a worker thread.
  init?(_ device: PDEVICE_OBJECT, _ body: @escaping @Sendable () -> Void) {
    guard let item = unsafe IoAllocateWorkItem(device) else { return nil }
    unsafe self.item = unsafe item
    self.body = body
  }

  deinit { unsafe IoFreeWorkItem(item) }

  /// Up to DISPATCH_LEVEL. False while a call that was asked for has not begun, and after `stop`.
  func enqueue() -> Bool {
    monitor.locked {
      guard asked == begun, !hasStopped else { return false }
      // A call that runs queues the next one itself when it ends.
      if begun == ended, !give() { return false }
      asked += 1
      return true
    }
  }

  /// Queues the item for the worker threads, with a reference that its call releases.
  private func give() -> Bool {
    let context = unsafe Unmanaged.passRetained(self)
    if unsafe IoTryQueueWorkItem(item, Self.call, DelayedWorkQueue, context.toOpaque()) != 0 {
      return true
    }
    unsafe context.release()
    return false
  }

  private static let call: PIO_WORKITEM_ROUTINE_EX = { _, context, _ in
    guard let context = unsafe context else { return }
    unsafe Unmanaged<PassiveRoutine>.fromOpaque(context).takeRetainedValue().run()
  }

  private func run() {
    let isWanted = monitor.locked { () -> Bool in
      begun += 1
      runner = cuio_thread_id()
      return !hasStopped
    }
    if isWanted { body() }
    monitor.locked {
      ended += 1
      runner = 0
      // If the system refuses a thread, the call is dropped; that was reported.
      if asked > begun, !give() { asked = begun }
      monitor.broadcast()
    }
  }

  /// Whether the calling thread is in the routine.
  var isRunningCaller: Bool { monitor.locked { runner == cuio_thread_id() } }

  /// Waits for the calls that were asked for before; does not wait in the routine itself.
  /// PASSIVE_LEVEL.
  func flush() {
    monitor.locked {
      guard runner != cuio_thread_id() else { return }
      let last = asked
      monitor.wait { ended < last && ended < asked }
    }
  }

  /// No further call begins. At PASSIVE_LEVEL no call runs when this returns, unless the caller is
  /// inside one.
  func stop() {
    monitor.locked { hasStopped = true }
    if KeGetCurrentIrql() == KIRQL(PASSIVE_LEVEL) { flush() }
  }
}
