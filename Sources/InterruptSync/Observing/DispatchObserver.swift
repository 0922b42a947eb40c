// Room Observing: the records of one object's dispatches on their way to its observers. Dispatches
// write a record on the serving thread, after they have left the interrupt lock, into memory of
// this process that no other has; the observers' thread takes it from there. SharedRing,
// InterruptEvents and the daemon's event streams add observers at PASSIVE_LEVEL and remove them on
// any thread at any level. A monitor guards these changes; the interrupt lock is never taken for
// them.
package import CUIO
import LinuxSystem

/// Follows an object's dispatches.
package protocol DispatchObserver: AnyObject, Sendable {
  /// Records in order, oldest first; each once. On the observers' thread, which serves every
  /// observer of the process: it must not wait.
  func observe(_ records: DispatchRecords)
  /// Nothing follows: the observation or the object has ended. Once, on the observers' thread.
  func end()
}

/// Records that lie side by side. Valid until `observe` returns.
@safe package struct DispatchRecords {
  /// Empty where only `dropped` has changed.
  package let entries: UnsafeBufferPointer<cuio_ring_entry>
  /// What the process has dropped since the object exists, because the observers' thread fell
  /// behind: when the observation began, and now.
  package let droppedBefore, dropped: UInt64

  package var last: cuio_ring_entry? { unsafe entries.last }
}

/// Keeps an observer on an object's dispatches. Its release ends the observation, without waiting
/// for the observers' thread.
package final class DispatchObservation: Sendable {
  private let source: RecordSource
  private let observer: any DispatchObserver

  init(of source: RecordSource, by observer: any DispatchObserver) throws(SystemError) {
    try source.add(observer)
    self.source = source
    self.observer = observer
  }

  deinit { source.remove(observer) }
}

/// The ring that one object's dispatches write, for as long as anyone observes them. The object's
/// storage keeps it: a dispatch may write it a last time after the last observer has gone.
@safe final class RecordSource: @unchecked Sendable {
  /// Dispatches that the observers' thread may be late by: 8 ms of a million interrupts a second.
  private static let capacity = 8192

  let ring: UnsafeMutablePointer<cuio_ring>
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let entries: UnsafeMutablePointer<cuio_ring_entry>
  /// The dispatch's own, on a cache line that no other thread reads.
  private let noted: UnsafeMutablePointer<InlineArray<8, UInt64>>
  private let thread: ObserverThread
  /// Guards what follows.
  private let monitor = Monitor()
  /// Whose dispatches look for the ring; nil once the object has ended.
  private var core: Cell<SyncCore>?
  private var observers = 0

  init(_ core: Cell<SyncCore>, thread: ObserverThread) {
    self.thread = thread
    self.core = core
    unsafe page = .allocate(capacity: 1)
    unsafe cuio_ring_format(page, UInt64(Self.capacity))
    unsafe entries = .allocate(capacity: Self.capacity)
    // Touches every page: a dispatch does not fault on one.
    unsafe entries.initialize(repeating: cuio_ring_entry(), count: Self.capacity)
    unsafe noted = CacheLine.allocate()
    unsafe noted.initialize(to: InlineArray(repeating: 0))
    unsafe ring = .allocate(capacity: 1)
    unsafe ring.initialize(
      to: cuio_ring(
        page: page, entries: entries, mask: UInt64(Self.capacity - 1), written: 0, dropped: 0,
        noted: UnsafeMutableRawPointer(noted).assumingMemoryBound(to: UInt64.self), captures: 0,
        bell: thread.bell))
  }

  deinit {
    unsafe ring.deallocate()
    unsafe CacheLine.deallocate(noted)
    unsafe entries.deallocate()
    unsafe page.deallocate()
  }

  /// What dispatches from now on record goes to `observer`.
  /// - Throws: the observers' thread could not be started.
  func add(_ observer: any DispatchObserver) throws(SystemError) {
    try thread.start()
    monitor.locked {
      observers += 1
      if observers == 1 { unsafe publish(ring) }
      thread.post { .add(self, observer, at: written, dropped: dropped) }
      if core == nil { thread.post { .end(self, at: written) } }
    }
  }

  func remove(_ observer: any DispatchObserver) {
    monitor.locked {
      observers -= 1
      if observers == 0 { unsafe publish(nil) }
      thread.post { .remove(self, observer, at: written) }
    }
  }

  /// The object has ended. What its dispatches recorded still goes to the observers.
  func end() {
    monitor.locked {
      unsafe publish(nil)
      core = nil
      thread.post { .end(self, at: written) }
    }
  }

  /// Has dispatches from now on write `ring`, or with nil none. With the monitor held.
  private func publish(_ ring: UnsafeMutablePointer<cuio_ring>?) {
    guard let core else { return }
    unsafe cuio_ring_publish(&core.value.records, ring)
    if unsafe ring != nil {
      unsafe cuio_followers_add(&core.value.followers, UInt8(CUIO_FOLLOWERS_RECORDS))
    } else {
      unsafe cuio_followers_remove(&core.value.followers, UInt8(CUIO_FOLLOWERS_RECORDS))
    }
  }

  /// Records dropped because the observers' thread fell behind.
  var dropped: UInt64 { unsafe cuio_counter_read(&page.pointee.dropped) }

  /// Records that dispatches have written so far.
  var written: UInt64 { unsafe cuio_ring_written(ring) }

  // On the observers' thread.

  /// Records that were handed on so far.
  var read: UInt64 { unsafe cuio_counter_read(&page.pointee.read) }

  /// The oldest records that wait, without taking them; nil when there are none.
  func waiting(
    atMost limit: UInt64
  ) -> (first: UInt64, entries: UnsafeBufferPointer<cuio_ring_entry>)? {
    var first: UInt64 = 0
    let count = min(unsafe cuio_ring_waiting(ring, &first), limit)
    guard count > 0 else { return nil }
    let start = unsafe entries + Int(first & ring.pointee.mask)
    return unsafe (first, UnsafeBufferPointer(start: start, count: Int(count)))
  }

  func release(_ count: Int) { unsafe cuio_ring_release(ring, UInt64(count)) }
}
