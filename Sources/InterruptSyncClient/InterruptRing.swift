// Floor 6. The reading end of a ring in shared memory that the daemon's thread `observers` writes;
// interruptsync-ring(7) has the layout. `InterruptSyncClient.subscribe` makes it; programs and
// interruptsyncctl take records on one thread at a time, which sleeps in `next`. No lock: the two
// ends agree by the ring's counters. Each ring has its own connection.
import CUIO
import LinuxSystem

/// One dispatch, as a ring records it.
public struct InterruptRecord: Equatable, Sendable {
  /// Interrupts that this dispatch serviced; more than 1 when some came while another was being
  /// serviced.
  public let interrupts: UInt64
  /// Interrupts of the device so far, including this dispatch's. The difference to the previous
  /// record is `interrupts`, unless records between them were dropped.
  public let total: UInt64
  /// When it was dispatched, as the time since the zero of CLOCK_MONOTONIC.
  public let timestamp: Duration
  /// Whether a routine claimed it.
  public let claimed: Bool
  /// Records that this ring had dropped by then for lack of room.
  public let dropped: UInt64
  /// The values of the captured registers, in the order of the ring's `captures`.
  public let captured: [UInt64]
}

/// Every dispatch of a device, in order. Releasing the object ends the subscription. Use it from
/// one thread at a time.
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
      let isForeign = result == -EBADMSG
      throw InterruptSyncClientError(
        isForeign ? .protocolViolation : .resourcesExhausted, object: device,
        operation: "subscribe",
        cause: isForeign
          ? "the daemon's memory is not a ring of this version"
          : "cannot map the ring (\(Errno(rawValue: -result)))",
        hint: isForeign ? "restart the daemon after an upgrade" : "", errno: -result)
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

  /// Records that the ring dropped because it was full: you did not call `next` often enough. The
  /// `total` of later records includes their interrupts.
  public var dropped: UInt64 { unsafe cuio_ring_dropped(page) }

  /// Whether no more records will come: the device was stopped, reconfigured or has gone, or the
  /// daemon has ended. Subscribe again to go on.
  public var hasEnded: Bool { unsafe isCutOff || cuio_ring_has_ended(page) }

  /// The next record, without waiting; nil when there is none.
  public func take() -> InterruptRecord? {
    var entry = cuio_ring_entry()
    guard unsafe cuio_ring_take(page, cuio_ring_entries(page), mask, &entry) else { return nil }
    return InterruptRecord(
      interrupts: entry.count, total: entry.total, timestamp: .nanoseconds(entry.time),
      claimed: entry.claimed != 0, dropped: entry.dropped,
      captured: values(of: entry))
  }

  /// Most records have none, for which nothing is allocated.
  private func values(of entry: cuio_ring_entry) -> [UInt64] {
    let count = Int(min(entry.captures, UInt32(captures.count)))
    guard count > 0 else { return [] }
    let values = entry.captured
    let all = [values.0, values.1, values.2, values.3, values.4, values.5, values.6, values.7]
    return Array(all.prefix(count))
  }

  /// Waits for the next record.
  /// - Parameter timeout: nil waits without limit.
  /// - Returns: nil when the ring has ended and you have taken every record.
  /// - Throws: `timedOut`, after which you may call it again.
  public func next(timeout: Duration? = nil) throws(InterruptSyncClientError) -> InterruptRecord? {
    let deadline = Deadline(timeout)
    while true {
      if let record = take() { return record }
      // The ring may have ended between `take` and here: take what came before the end.
      if hasEnded { return take() }
      if unsafe cuio_ring_sleep(page) { continue }
      switch connection.wait(for: event, until: deadline) {
      case .signalled: _ = linux_wake_pair_drain(event.raw)
      case .ended, .hungUp: isCutOff = true
      case .timedOut:
        if let record = take() { return record }
        throw InterruptSyncClientError(
          .timedOut, object: device, operation: "wait for an interrupt",
          cause: "no interrupt came in time",
          hint: "wait longer; interruptsyncctl info shows whether the device is connected")
      }
    }
  }
}
