// A work item of WDM's with what the framework needs beside it: one call at a time, waiting for
// calls, and an end while it is queued. Behind interrupts, work item objects and timers at
// PASSIVE_LEVEL.
import CUIO
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

@safe final class PassiveRoutine: @unchecked Sendable {
  private let item: PIO_WORKITEM
  private let body: @Sendable () -> Void
  private let monitor = Monitor()
  /// Calls asked for so far, begun, and ended: the difference of two neighbours is 0 or 1.
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

  /// Up to DISPATCH_LEVEL. False when a call is asked for that has not begun, or after `stop`.
  func enqueue() -> Bool {
    monitor.locked {
      guard asked == begun, !hasStopped else { return false }
      // One that runs asks for the next itself when it ends.
      if begun == ended, !give() { return false }
      asked += 1
      return true
    }
  }

  /// Hands the item to the worker threads, with a reference that its call gives back.
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
      // Without a thread to be had the call is dropped; that was reported.
      if asked > begun, !give() { asked = begun }
      monitor.broadcast()
    }
  }

  /// Whether the calling thread is in the routine.
  var isRunningCaller: Bool { monitor.locked { runner == cuio_thread_id() } }

  /// Waits for the calls that were asked for before; in the routine itself for none. PASSIVE_LEVEL.
  func flush() {
    monitor.locked {
      guard runner != cuio_thread_id() else { return }
      let last = asked
      monitor.wait { ended < last && ended < asked }
    }
  }

  /// No further call begins; at PASSIVE_LEVEL none runs either when this returns, but the caller's.
  func stop() {
    monitor.locked { hasStopped = true }
    if KeGetCurrentIrql() == KIRQL(PASSIVE_LEVEL) { flush() }
  }
}
