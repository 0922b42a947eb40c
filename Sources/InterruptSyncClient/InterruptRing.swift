// The reading end of a ring that the daemon writes; interruptsync-ring(7) has the layout.
import CUIO
import UIO

/// Every dispatch of a device, one after the other. One thread at a time. The subscription ends
/// when this is let go.
@safe public final class InterruptRing {
  /// The names of the captured registers, in the order of each record's values.
  public let captures: [String]
  private let device: String
  private let event: FileDescriptor
  private let memory: FileDescriptor
  private let connection: DaemonConnection
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let size: UInt64
  private let mask: UInt64
  private var isCutOff = false

  init(
    device: String, memory: FileDescriptor, event: FileDescriptor, captures: [String],
    connection: DaemonConnection
  ) throws(InterruptSyncClientError) {
    var page: UnsafeMutablePointer<cuio_ring_page>?
    var size: UInt64 = 0
    let result = unsafe cuio_ring_map(memory.raw, &page, &size)
    guard result == 0, let page = unsafe page else {
      throw InterruptSyncClientError(
        result == -EBADMSG ? .protocolViolation : .resourcesExhausted, object: device,
        operation: "subscribe",
        cause: result == -EBADMSG
          ? "the daemon's memory is no ring of this version"
          : "the ring cannot be mapped (\(Errno.name(-result)))",
        hint: result == -EBADMSG ? "restart the daemon after an upgrade" : "", errno: -result)
    }
    self.device = device
    self.captures = captures
    self.event = event
    self.memory = memory
    self.connection = connection
    unsafe self.page = unsafe page
    self.size = size
    mask = unsafe page.pointee.capacity - 1
  }

  deinit { _ = unsafe cuio_unmap(page, Int(size)) }

  /// Records that the ring had no room for: `next` was called too seldom. Their interrupts are in
  /// the `total` of the records that follow.
  public var dropped: UInt64 { unsafe cuio_ring_dropped(page) }

  /// Whether nothing more will come: the device is serviced anew with other settings, it has gone,
  /// or the daemon has ended. Subscribe anew.
  public var hasEnded: Bool { unsafe isCutOff || cuio_ring_has_ended(page) }

  /// The next record, without waiting; nil when none has come.
  public func take() -> InterruptRecord? {
    var entry = cuio_ring_entry()
    guard unsafe cuio_ring_take(page, cuio_ring_entries(page), mask, &entry) else { return nil }
    let values = entry.captured
    let all = [values.0, values.1, values.2, values.3, values.4, values.5, values.6, values.7]
    return InterruptRecord(
      interrupts: entry.count, total: entry.total, timestampNanoseconds: entry.time,
      claimed: entry.claimed != 0, dropped: entry.dropped,
      captured: Array(all.prefix(Int(min(entry.captures, UInt32(captures.count))))))
  }

  /// Waits for the next record.
  /// - Parameter timeout: nil waits without end.
  /// - Returns: nil when the ring has ended and everything in it was taken.
  /// - Throws: `timedOut`, after which one may go on.
  public func next(timeout: Duration? = nil) throws(InterruptSyncClientError) -> InterruptRecord? {
    let deadline = Deadline(timeout)
    while true {
      if let record = take() { return record }
      // Ended before the last look: then there was nothing behind it.
      if hasEnded { return take() }
      if unsafe cuio_ring_sleep(page) { continue }
      switch connection.wait(for: event, until: deadline) {
      case .signalled: _ = cuio_event_drain(event.raw)
      case .hungUp: isCutOff = true
      case .timedOut:
        if let record = take() { return record }
        throw InterruptSyncClientError(
          .timedOut, object: device, operation: "wait for an interrupt", cause: "none came in time")
      }
    }
  }
}
