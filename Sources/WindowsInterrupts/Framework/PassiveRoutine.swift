// A work item of WDM's with what the framework needs beside it: waiting for its calls, and an end
// while it is queued. Behind interrupts, work item objects and timers at PASSIVE_LEVEL.
import CUIO
import CWindowsInterrupts
import InterruptSync

@safe final class PassiveRoutine: @unchecked Sendable {
  private struct Call {
    let number: UInt64
    let thread: UInt32
  }

  private let item: PIO_WORKITEM
  private let body: @Sendable () -> Void
  private let monitor = Monitor()
  private var lastNumber: UInt64 = 0
  /// The one that waits for a thread.
  private var queued: UInt64?
  /// A call may begin while the one before it still runs.
  private var running: [Call] = []
  private var hasEnded = false

  /// nil: no memory. `body` runs at PASSIVE_LEVEL on a worker thread.
  init?(_ device: PDEVICE_OBJECT, _ body: @escaping @Sendable () -> Void) {
    guard let item = unsafe IoAllocateWorkItem(device) else { return nil }
    unsafe self.item = unsafe item
    self.body = body
  }

  deinit { unsafe IoFreeWorkItem(item) }

  /// Up to DISPATCH_LEVEL. False when it is queued already, or has ended.
  func enqueue() -> Bool {
    monitor.locked {
      guard queued == nil, !hasEnded else { return false }
      // The queue has a reference until the call has ended.
      let context = unsafe Unmanaged.passRetained(self)
      guard unsafe IoTryQueueWorkItem(item, Self.call, DelayedWorkQueue, context.toOpaque()) != 0
      else {
        unsafe context.release()
        return false
      }
      lastNumber += 1
      queued = lastNumber
      return true
    }
  }

  private static let call: PIO_WORKITEM_ROUTINE_EX = { _, context, _ in
    guard let context = unsafe context else { return }
    unsafe Unmanaged<PassiveRoutine>.fromOpaque(context).takeRetainedValue().run()
  }

  private func run() {
    let call = monitor.locked { () -> Call? in
      guard let number = queued else { return nil }
      queued = nil
      guard !hasEnded else {
        monitor.broadcast()
        return nil
      }
      let call = Call(number: number, thread: cuio_thread_id())
      running.append(call)
      return call
    }
    guard let call else { return }
    body()
    monitor.locked {
      running.removeAll { $0.number == call.number }
      monitor.broadcast()
    }
  }

  /// Whether the calling thread is in the routine.
  var isRunningCaller: Bool {
    let thread = cuio_thread_id()
    return monitor.locked { running.contains { $0.thread == thread } }
  }

  /// Waits for the calls that were queued before; not for the caller's own. PASSIVE_LEVEL.
  func flush() {
    let thread = cuio_thread_id()
    monitor.locked {
      let last = lastNumber
      monitor.wait {
        if let queued, queued <= last { return true }
        return running.contains { $0.number <= last && $0.thread != thread }
      }
    }
  }

  /// No further call begins; at PASSIVE_LEVEL none runs either when this returns, but the caller's.
  func stop() {
    monitor.locked { hasEnded = true }
    if KeGetCurrentIrql() == KIRQL(PASSIVE_LEVEL) { flush() }
  }
}
