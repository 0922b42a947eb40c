// Between the dispatcher, which only writes a ring and signals an eventfd, and tasks, which are
// resumed by an ordinary thread: to resume a task takes locks and may allocate.
import CUIO
import Glibc
import LinuxSystem

/// The buffer of one watcher, and the thread that wakes it.
@safe final class EventTap: @unchecked Sendable {
  let ring: UnsafeMutablePointer<cuio_ring>
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let entries: UnsafeMutablePointer<cuio_ring_entry>
  private let wake: WakeEvent
  /// Guards what follows, and is held by whoever reads the ring.
  private let monitor = Monitor()
  private var waiting: [(id: UInt64, continuation: CheckedContinuation<InterruptEvent?, Never>)] =
    []
  /// On their way to wait; a cancelled one leaves before it arrives.
  private var arriving: Set<UInt64> = []
  private var lastID: UInt64 = 0
  private var isFinished = false

  /// - Throws: `resourcesExhausted`.
  init(owner: String, capacity: Int) throws(InterruptSyncError) {
    wake = try WakeEvent.take(for: owner, operation: "watch interrupts")
    var count = 1
    while count < capacity { count *= 2 }
    unsafe entries = .allocate(capacity: count)
    unsafe entries.initialize(repeating: cuio_ring_entry(), count: count)
    unsafe page = .allocate(capacity: 1)
    unsafe cuio_ring_format(page, UInt64(count))
    unsafe ring = .allocate(capacity: 1)
    unsafe ring.initialize(
      to: cuio_ring(
        page: page, entries: entries, mask: UInt64(count - 1), written: 0, dropped: 0,
        wake_fd: wake.fd, wakes_at_once: false, next: nil))
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    var thread = pthread_t()
    let result = unsafe cuio_thread_create(&thread, 256 * 1024, EventTap.entry, context)
    guard result == 0 else {
      unsafe Unmanaged<EventTap>.fromOpaque(context).release()
      throw InterruptSyncError(
        .resourcesExhausted, object: owner, operation: "watch interrupts",
        cause: "no thread to be had",
        hint: "raise the limit (systemd: TasksMax=, LimitNPROC=)", errno: -result)
    }
    _ = unsafe cuio_thread_set_name(thread, "\(owner) events")
    _ = cuio_thread_detach(thread)
  }

  deinit {
    unsafe ring.deallocate()
    unsafe page.deallocate()
    unsafe entries.deallocate()
    wake.giveBack()
  }

  var dropped: UInt64 { unsafe cuio_ring_dropped(page) }

  /// The next event, or nil at the end or when the task is cancelled.
  func next() async -> InterruptEvent? {
    let id = monitor.locked {
      lastID += 1
      arriving.insert(lastID)
      return lastID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { wait(id, $0) }
    } onCancel: {
      cancel(id)
    }
  }

  /// No event will come any more: watchers end when they have taken what there is. Any thread, any
  /// level.
  func finish() {
    monitor.locked { isFinished = true }
    wake.signal()
  }

  private func wait(_ id: UInt64, _ continuation: CheckedContinuation<InterruptEvent?, Never>) {
    monitor.locked {
      guard arriving.remove(id) != nil else { return continuation.resume(returning: nil) }
      waiting.append((id, continuation))
      serve()
    }
  }

  private func cancel(_ id: UInt64) {
    monitor.locked {
      guard arriving.remove(id) == nil else { return }
      // Not there: it has been answered already.
      guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
      waiting.remove(at: index).continuation.resume(returning: nil)
    }
  }

  /// Gives events to those who wait. With the monitor held.
  private func serve() {
    while !waiting.isEmpty {
      if let event = take() {
        waiting.removeFirst().continuation.resume(returning: event)
      } else if isFinished {
        waiting.removeFirst().continuation.resume(returning: nil)
      } else if unsafe !cuio_ring_sleep(page) {
        return
      }
    }
  }

  private func take() -> InterruptEvent? {
    var entry = cuio_ring_entry()
    guard unsafe cuio_ring_take(page, entries, ring.pointee.mask, &entry) else { return nil }
    return InterruptEvent(
      count: entry.count, total: entry.total, nanoseconds: entry.time,
      isClaimed: entry.claimed != 0, dropped: entry.dropped)
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      let tap = unsafe Unmanaged<EventTap>.fromOpaque(context).takeRetainedValue()
      while tap.serveNext() {}
      return nil
    }

  /// On the thread. False: it is over.
  private func serveNext() -> Bool {
    wake.wait()
    return monitor.locked {
      serve()
      return !isFinished
    }
  }
}
