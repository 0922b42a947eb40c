// Room Object: carries the records of dispatches into another process: a ring in sealed memory, and
// a wake-up. The daemon's Subscribe makes and releases it, on the control thread at PASSIVE_LEVEL;
// the observers' thread writes the ring, without a lock. Its feeds call `observe`. `setCaptured`
// takes the interrupt lock; LifeCycle calls `record` with it held. The other process may write
// anything into that memory: trust nothing read from it.
import CUIO
import Glibc
package import LinuxSystem

/// One subscriber in another process. Records go into its ring until this is released; what the
/// subscriber does to the memory and to its descriptors disturbs only itself.
package final class SharedRing: Sendable {
  /// What the subscriber gets. Close it once it has.
  package struct Ends: Sendable {
    /// The memory, laid out as cuio_ring.h says. Its size can no longer change.
    package let memory: FileDescriptor
    /// Readable when a record has come and the subscriber had said that it sleeps.
    package let event: FileDescriptor
  }

  private let observation: DispatchObservation

  /// Observes `object` from now on.
  ///
  /// Any thread at PASSIVE_LEVEL; takes no lock that a routine can hold.
  /// - Parameter capacity: records that are kept, 1 to 65,536, rounded up to a power of two.
  /// - Throws: `invalidArgument`, `wouldDeadlock`, `wrongLevel`, `resourcesExhausted`.
  package static func make(
    of object: InterruptSyncObject, capacity: Int
  ) throws(InterruptSyncError) -> (ring: SharedRing, ends: Ends) {
    try object.storage.requirePassive("watch interrupts")
    guard (1...65536).contains(capacity) else {
      throw InterruptSyncError(
        .invalidArgument, object: object.name, operation: "watch interrupts",
        cause: "a ring holds 1 to 65536 events, not \(capacity)",
        hint: "give a capacity in that range")
    }
    let (writer, ends) = try writer(of: object, entries: entries(capacity))
    return (SharedRing(try object.storage.observe(writer)), ends)
  }

  private static func writer(
    of object: InterruptSyncObject, entries: UInt64
  ) throws(InterruptSyncError) -> (RingWriter, Ends) {
    do throws(SystemError) { return try RingWriter.make(entries: entries) } catch {
      throw InterruptSyncError(
        .resourcesExhausted, object: object.name, operation: "watch interrupts",
        cause: "cannot create a memory file or a pair of sockets",
        hint: "raise the limit (systemd: LimitNOFILE=)", errno: error.number)
    }
  }

  private init(_ observation: DispatchObservation) { self.observation = observation }

  /// Bytes of memory of a ring for so many events.
  package static func size(capacity: Int) -> Int { Int(cuio_ring_size(entries(capacity))) }

  private static func entries(_ capacity: Int) -> UInt64 {
    var count: UInt64 = 1
    while count < capacity { count *= 2 }
    return count
  }
}

/// The writing end of a subscriber's ring. Used by the observers' thread alone.
@safe private final class RingWriter: DispatchObserver, @unchecked Sendable {
  private let ring: UnsafeMutablePointer<cuio_ring>
  private let size: Int
  /// Of the pair whose other end the subscriber has.
  private let wake: FileDescriptor

  static func make(
    entries: UInt64
  ) throws(SystemError) -> (writer: RingWriter, ends: SharedRing.Ends) {
    let (own, other) = try FileDescriptor.wakePair()
    var page: UnsafeMutablePointer<cuio_ring_page>?
    let file = unsafe cuio_ring_file(entries, &page)
    guard file >= 0, let page = unsafe page else {
      throw SystemError(file < 0 ? -file : ENOMEM, "make a memory file")
    }
    let writer = unsafe RingWriter(page, entries: entries, wake: own)
    return (writer, SharedRing.Ends(memory: FileDescriptor(adopting: file), event: other))
  }

  private init(
    _ page: UnsafeMutablePointer<cuio_ring_page>, entries: UInt64, wake: FileDescriptor
  ) {
    self.wake = wake
    size = Int(cuio_ring_size(entries))
    unsafe ring = .allocate(capacity: 1)
    unsafe ring.initialize(
      to: cuio_ring(
        page: page, entries: cuio_ring_entries(page), mask: entries - 1, written: 0, dropped: 0,
        noted: nil, captures: 0, bell: nil))
  }

  deinit {
    _ = unsafe cuio_unmap(ring.pointee.page, size)
    unsafe ring.deallocate()
  }

  func observe(_ records: DispatchRecords) {
    unsafe cuio_ring_copy(
      ring, records.entries.baseAddress, UInt64(records.entries.count), records.droppedBefore,
      records.dropped)
    if unsafe cuio_ring_must_wake(ring) { _ = linux_wake_pair_signal(wake.raw) }
  }

  func end() {
    unsafe cuio_ring_end(ring)
    _ = linux_wake_pair_signal(wake.raw)
  }
}

extension InterruptSyncObject {
  /// Hands the records of dispatches from now on to `observer`, until the observation is released.
  /// Any thread, any level; takes no lock that a routine can hold.
  /// - Throws: `resourcesExhausted`.
  package func observe(
    _ observer: any DispatchObserver
  ) throws(InterruptSyncError) -> DispatchObservation { try storage.observe(observer) }

  /// Sends the first `count` values at `values` along with each record (at most 8); nil ends that.
  /// They are read at the end of each dispatch, with the lock held, and have to last until then.
  package func setCaptured(_ values: UnsafePointer<UInt64>?, count: Int) {
    storage.holdingLock {
      storage.recordsLine = false
      unsafe storage.core.value.captures = cuio_captures(
        values: values, count: UInt32(clamping: count))
    }
  }
}

extension SyncStorage {
  /// Sends what a line says about its last read along with each record, unless the owner captures
  /// something. With the lock held, at connect: the line lasts as long as the connection.
  func record(_ line: InterruptLine) {
    guard unsafe recordsLine || core.value.captures.count == 0 else { return }
    recordsLine = unsafe line.facts != nil
    unsafe core.value.captures = cuio_captures(
      values: line.facts, count: UInt32(clamping: line.factCount))
  }
}
