// Room Lines: a line over a descriptor that the caller opened. Made on the caller's thread at
// PASSIVE_LEVEL; the serving thread reads it. Its memory lasts as long as the object that is
// connected to it.
import CUIO
import Glibc
import Synchronization
import UIO

/// A line over a descriptor of the caller's: an eventfd (VFIO, KVM, another process) or a pipe or
/// socket that carries counts as `/dev/uioN` does.
@safe public final class FileDescriptorLine: InterruptSource, @unchecked Sendable {
  /// What a read of the descriptor yields.
  public enum Format: Sendable {
    /// 8 bytes, the interrupts since the last read: an eventfd(2), or a timerfd.
    case eventCounter
    /// Records of 4 bytes in native order, each the running total modulo 2^32, as UIO gives it
    /// (fact 8): a pipe, a socket or a UIO node. On a stream nothing marks where a record ends: the
    /// writer must write totals and nothing else.
    case totals
  }

  /// As given when the line was made: names the line in errors and its dispatcher's thread.
  public let name: String
  private let file: FileDescriptor
  private let raw: UnsafeMutablePointer<cuio_line>
  private let isClaimed = Atomic<Bool>(false)

  /// Duplicates `descriptor`, which stays the caller's. The open file is left as it is: the line
  /// reads it without waiting, blocking or not, also when another process changes that later. No
  /// other thread or process may read from it while an object is connected.
  ///
  /// - Parameters:
  ///   - descriptor: an open eventfd, pipe or socket.
  ///   - format: what a read of it yields.
  ///   - total: the total before the first record, for `totals`.
  ///   - name: for messages and the dispatcher's thread.
  /// - Throws: `invalidArgument` (not an open descriptor, or of a kind that yields no such counts),
  ///   `resourcesExhausted`.
  public init(
    _ descriptor: Int32, format: Format, total: UInt32 = 0, name: String = "descriptor"
  ) throws(InterruptSyncError) {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else {
      let number = errno
      let code: InterruptSyncError.Code = number == EBADF ? .invalidArgument : .resourcesExhausted
      throw InterruptSyncError(
        code, object: name, operation: "make a descriptor line",
        cause: code == .invalidArgument
          ? "\(descriptor) is not an open descriptor" : "cannot duplicate the descriptor",
        errno: number)
    }
    file = FileDescriptor(adopting: copy)
    self.name = name
    let reading = try DescriptorKind(file).reading(format, of: name)
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: copy, rearm_fd: -1, format: reading, rearm: CUIO_REARM_NONE, total: total, command: 0
      ))
  }

  deinit { unsafe raw.deallocate() }

  /// Gives the line to one object. Called by connect, at PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it.
  public func attach() throws(InterruptSyncError) -> InterruptLine {
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else {
      throw InterruptSyncError.lineBusy(name)
    }
    return unsafe InterruptLine(raw)
  }

  /// Takes the line back. Called once the dispatcher has stopped.
  public func detach() { isClaimed.store(false, ordering: .releasing) }

  /// EPIPE, EIO and ENODEV mean `removed`: the other end was closed. Everything else is
  /// `lineFailed`, also a record whose length is not the format's (EBADMSG).
  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    let (code, cause): (InterruptSyncError.Code, String) =
      switch errno {
      case EPIPE, EIO, ENODEV: (.removed, "the other end was closed")
      case EBADMSG: (.lineFailed, "a record's length differs from the format's")
      default: (.lineFailed, "the descriptor failed")
      }
    return InterruptSyncError(
      code, object: name, operation: operation.rawValue, cause: cause, errno: errno)
  }
}
