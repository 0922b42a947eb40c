// A KDPC of the framework's own, and what it is to call: behind interrupts, DPC objects and timers.
import CWindowsInterrupts
import InterruptSync

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

  /// Takes it back and waits for a call that runs, where that is possible; else keeps its memory
  /// until the call has ended: DPCs run one after the other.
  func stop() {
    _ = remove()
    guard KeGetCurrentIrql() > KIRQL(PASSIVE_LEVEL) else { return KeFlushQueuedDpcs() }
    guard let queue = DeferredCalls.queue else { return }
    let keeper = DeferredRoutine(on: queue) { withExtendedLifetime(self) {} }
    keeper.enqueue()
  }
}
