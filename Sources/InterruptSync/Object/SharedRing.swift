// Room Object: carries interrupt events into another process: a ring in sealed memory and an
// eventfd, both passed as descriptors. Made and released at PASSIVE_LEVEL; a dispatch writes the
// ring with the interrupt lock held.
package import CUIO
package import LinuxSystem

/// One subscriber in another process. Dispatches are put into its ring until this is released; what
/// the subscriber does to the memory disturbs only itself.
@safe package final class SharedRing: @unchecked Sendable {
  /// The memory, laid out as cuio_ring.h says. Its size can no longer change.
  package let memory: FileDescriptor
  /// Signalled when an event has come and the subscriber had said that it sleeps.
  package let event: FileDescriptor
  private let ring: UnsafeMutablePointer<cuio_ring>
  private let size: Int
  private let storage: SyncStorage

  /// Watches `object` from now on.
  ///
  /// PASSIVE_LEVEL.
  /// - Parameter capacity: events that are kept, 1 to 65,536, rounded up to a power of two.
  /// - Throws: `invalidArgument`, `wouldDeadlock`, `wrongLevel`, `resourcesExhausted`.
  package init(of object: InterruptSyncObject, capacity: Int) throws(InterruptSyncError) {
    try object.storage.requirePassive("watch interrupts")
    guard (1...65536).contains(capacity) else {
      throw InterruptSyncError(
        .invalidArgument, object: object.name, operation: "watch interrupts",
        cause: "a ring has 1 to 65536 events, not \(capacity)")
    }
    let count = Self.entries(capacity)
    var page: UnsafeMutablePointer<cuio_ring_page>?
    let file = unsafe cuio_ring_file(count, &page)
    let wake = linux_event_create()
    // If one of the two could not be made, the other ends with this scope.
    let memory = file >= 0 ? FileDescriptor(adopting: file) : nil
    let event = wake >= 0 ? FileDescriptor(adopting: wake) : nil
    size = Int(cuio_ring_size(count))
    guard let memory, let event, let page = unsafe page else {
      if let page = unsafe page { _ = unsafe cuio_unmap(page, size) }
      throw InterruptSyncError(
        .resourcesExhausted, object: object.name, operation: "watch interrupts",
        cause: "cannot create a memory file or an eventfd",
        hint: "raise the limit (systemd: LimitNOFILE=)", errno: file < 0 ? -file : -wake)
    }
    self.memory = memory
    self.event = event
    storage = object.storage
    unsafe ring = .allocate(capacity: 1)
    unsafe ring.initialize(
      to: cuio_ring(
        page: page, entries: cuio_ring_entries(page), mask: count - 1, written: 0, dropped: 0,
        wake_fd: event.raw, wakes_at_once: true, next: nil))
    storage.holdingLock { unsafe storage.core.link(ring) }
  }

  /// Bytes of memory of a ring for so many events.
  package static func size(capacity: Int) -> Int { Int(cuio_ring_size(entries(capacity))) }

  private static func entries(_ capacity: Int) -> UInt64 {
    var count: UInt64 = 1
    while count < capacity { count *= 2 }
    return count
  }

  deinit {
    storage.holdingLock { unsafe storage.core.unlink(ring) }
    unsafe cuio_ring_end(ring)
    _ = unsafe cuio_unmap(ring.pointee.page, size)
    unsafe ring.deallocate()
  }

  /// The oldest event, for a reader in this process; false when there is none.
  package func take(_ entry: inout cuio_ring_entry) -> Bool {
    let page = unsafe ring.pointee.page
    return unsafe cuio_ring_take(page, ring.pointee.entries, ring.pointee.mask, &entry)
  }

  /// Says that a reader in this process is about to sleep; true when an event has come meanwhile.
  package func sleeps() -> Bool { unsafe cuio_ring_sleep(ring.pointee.page) }

  /// Events dropped so far because the ring was full.
  package var dropped: UInt64 {
    storage.holdingLock { unsafe ring.pointee.dropped }
  }
}

extension InterruptSyncObject {
  /// Sends the first `count` values at `values` along with each event (at most 8); nil ends that.
  /// They are read at the end of each dispatch, with the lock held, and have to last until then.
  package func setCaptured(_ values: UnsafePointer<UInt64>?, count: Int) {
    storage.holdingLock {
      unsafe storage.core.value.captured = unsafe values
      storage.core.value.captures = UInt32(clamping: count)
    }
  }
}
