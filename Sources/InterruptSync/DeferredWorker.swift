import CUIO
import Glibc
import Synchronization
import UIO

/// The thread's half of a queue: it must not keep the queue alive, or the queue would never end.
@safe final class DeferredWorker: @unchecked Sendable {
  let name: String
  private let level: InterruptLevel
  /// Newest first; each entry links to the one queued before it.
  private let newest = unsafe Atomic<UnsafeMutableRawPointer?>(nil)
  private let isAsleep = Atomic<Bool>(false)
  private let mustStop = Atomic<Bool>(false)
  private let wake: WakeEvent
  private var thread = pthread_t()
  private let prefaulted: Int
  private let starting = Monitor()

  init(
    name: String, level: InterruptLevel, attributes: DispatcherAttributes
  ) throws(InterruptSyncError) {
    self.name = name
    self.level = level
    prefaulted = attributes.prefaulted
    wake = try WakeEvent.take(for: name)
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    // The new thread begins with this monitor, so it cannot run before `thread` is known.
    let result = starting.locked {
      unsafe cuio_thread_create(&thread, attributes.stackSize, DeferredWorker.entry, context)
    }
    guard result == 0 else {
      unsafe Unmanaged<DeferredWorker>.fromOpaque(context).release()
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "make a deferred queue",
        cause: "no thread to be had", errno: -result)
    }
    ThreadPlacement.apply(attributes, to: thread, named: name, report: nil)
  }

  deinit { wake.giveBack() }

  /// Whether the calling thread is the queue's own.
  var isCaller: Bool { pthread_equal(pthread_self(), thread) != 0 }

  func stop() {
    mustStop.store(true, ordering: .releasing)
    wake.signalNow()
    _ = isCaller ? cuio_thread_detach(thread) : cuio_thread_join(thread)
  }

  /// Adds an entry. Any thread, any level.
  func link(_ routine: Unmanaged<DeferredRoutine>) {
    let entry = unsafe routine.toOpaque()
    var head = unsafe newest.load(ordering: .relaxed)
    while true {
      unsafe routine._withUnsafeGuaranteedRef { entry in
        unsafe entry.next = head.map { unsafe Unmanaged<DeferredRoutine>.fromOpaque($0) }
      }
      let (exchanged, seen) = unsafe newest.weakCompareExchange(
        expected: head, desired: entry, successOrdering: .sequentiallyConsistent,
        failureOrdering: .relaxed)
      if exchanged { break }
      unsafe head = seen
    }
    if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { wake.signal() }
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      let worker = unsafe Unmanaged<DeferredWorker>.fromOpaque(context).takeRetainedValue()
      worker.starting.locked {}
      cuio_prefault_stack(worker.prefaulted)
      _ = cuio_thread_set_level(worker.level.rawValue)
      worker.run()
      return nil
    }

  private func run() {
    while true {
      if runBatch() { continue }
      if mustStop.load(ordering: .acquiring) { return }
      isAsleep.store(true, ordering: .sequentiallyConsistent)
      // Queued between the batch and the flag: the one who queued may have seen us awake.
      if unsafe newest.load(ordering: .sequentiallyConsistent) == nil { wake.wait() }
      isAsleep.store(false, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes everything queued so far and runs it, oldest first. False when there was nothing.
  private func runBatch() -> Bool {
    guard let newest = unsafe newest.exchange(nil, ordering: .acquiringAndReleasing) else {
      return false
    }
    var oldest: Unmanaged<DeferredRoutine>?
    var entry: Unmanaged<DeferredRoutine>? = unsafe Unmanaged.fromOpaque(newest)
    while let current = unsafe entry {
      unsafe current._withUnsafeGuaranteedRef { routine in
        unsafe entry = routine.next
        unsafe routine.next = unsafe oldest
      }
      unsafe oldest = current
    }
    while let current = unsafe oldest {
      unsafe oldest = unsafe current._withUnsafeGuaranteedRef { unsafe $0.next }
      run(unsafe current.takeRetainedValue())
    }
    return true
  }

  private func run(_ routine: DeferredRoutine) {
    // Two stores away from being ready. Sleeping, not spinning: the writer may have a lower
    // priority than this thread.
    while !routine.runIfQueued() { usleep(50) }
  }
}
