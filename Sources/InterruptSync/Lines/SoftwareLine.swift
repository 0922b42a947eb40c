// Room Lines: a line without hardware, an eventfd. Drivers, tests, the C and Windows layers and the
// daemon make it below DIRQL, and trigger it on any thread at any level, also with an interrupt
// lock held. Connect and disconnect claim it on the caller's thread; the serving thread reads its
// memory, which lasts as long as the object that is connected to it. No lock: one atomic flag.
import CUIO
import Synchronization
import UIO

/// A line that code triggers: for tests and for machines without hardware.
///
/// Interrupts triggered while no object is connected are kept and delivered on connect.
@safe public final class SoftwareLine: InterruptSource, @unchecked Sendable {
  /// As given when the line was made: names the line in errors and its dispatcher's thread.
  public let name: String
  private let event: FileDescriptor
  private let raw: UnsafeMutablePointer<cuio_line>
  private let isClaimed = Atomic<Bool>(false)

  /// A line with nothing triggered. Any level below DIRQL.
  ///
  /// - Parameter name: for messages and the dispatcher's thread.
  /// - Throws: `resourcesExhausted`.
  public init(name: String = "software") throws(InterruptSyncError) {
    let fd = linux_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: "make a software line",
        cause: "cannot create an eventfd",
        hint: "raise the limit (systemd: LimitNOFILE=)", errno: -fd)
    }
    self.name = name
    event = FileDescriptor(adopting: fd)
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: fd, rearm_fd: -1, format: CUIO_COUNT_EVENTFD, rearm: CUIO_REARM_NONE, total: 0,
        command: 0, hooks: 0))
  }

  deinit { unsafe raw.deallocate() }

  /// Raises `count` interrupts. Any thread, any level; one system call.
  public func trigger(_ count: UInt64 = 1) { _ = linux_event_signal(event.raw, count) }

  /// Yes: it is an eventfd of its own.
  public var readTakesAll: Bool { true }

  /// Gives the line to one object. Called by connect, at PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it.
  public func attach() throws(InterruptSyncError) -> InterruptLine {
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else {
      throw InterruptSyncError.lineBusy(name)
    }
    return unsafe InterruptLine(raw)
  }

  /// Takes the line back; what is triggered from now on waits for the next connect.
  public func detach() { isClaimed.store(false, ordering: .releasing) }

  /// Always `lineFailed`: a software line has no device that could go away.
  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: name, operation: operation.rawValue, cause: "the eventfd failed",
      hint: "look for code that uses a descriptor that is not its own, or closes one twice",
      errno: errno)
  }
}
