// Room Lines: a line over a descriptor that the caller opened. Drivers and the C interface make it;
// connect and disconnect call it. Both on the caller's thread at PASSIVE_LEVEL, the brake on the
// serving thread, none with an interrupt lock held, unless an object ends inside a routine: then
// `detach` may come with it. The serving thread reads the memory (MaskedLine), which lasts as long
// as the object that is connected to it.
import CUIO
import Glibc
import Synchronization
import UIO

/// A line over a descriptor of the caller's: an eventfd (VFIO, KVM, another process) or a pipe or
/// socket that carries counts as `/dev/uioN` does. Say how the line is masked (`LineMasking`), and the storm
/// brake and disconnect work as on a device's line.
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
  /// As given when the line was made.
  public let masking: LineMasking
  /// Whether the descriptor is of a UIO device, or of an eventfd that the kernel says is no
  /// semaphore.
  public let readTakesAll: Bool
  private let masked: MaskedLine
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
  ///   - masking: how the line is masked and unmasked.
  /// - Throws: `invalidArgument` (not an open descriptor, or of a kind that yields no such counts; an
  ///   unmask descriptor that is no eventfd), `resourcesExhausted`, `lineFailed` (the system does not say what
  ///   it is of).
  public init(
    _ descriptor: Int32, format: Format, total: UInt32 = 0, name: String = "descriptor",
    masking: LineMasking = .none
  ) throws(InterruptSyncError) {
    let file = try Self.duplicate(descriptor, name, "the descriptor")
    let kind = try DescriptorKind(file, of: name)
    let reading = try kind.reading(format, of: name)
    readTakesAll = kind.readTakesAll(file)
    self.name = name
    self.masking = masking
    masked = MaskedLine(
      file, reading, total, masking, unmask: try Self.unmaskEventfd(masking, of: name))
  }

  private static func unmaskEventfd(
    _ masking: LineMasking, of line: String
  ) throws(InterruptSyncError) -> FileDescriptor? {
    guard case .eventfd(let descriptor) = masking else { return nil }
    let file = try duplicate(descriptor, line, "the unmask eventfd")
    guard try DescriptorKind(file, of: line) == .counter else {
      throw InterruptSyncError(
        .invalidArgument, object: line, operation: "make a descriptor line",
        cause: "the unmask descriptor, \(descriptor), is not an eventfd",
        hint: "pass the eventfd through which the kernel unmasks the line, or calls that unmask it")
    }
    return file
  }

  private static func duplicate(
    _ descriptor: Int32, _ line: String, _ what: String
  ) throws(InterruptSyncError) -> FileDescriptor {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy < 0 else { return FileDescriptor(adopting: copy) }
    let number = errno
    let code: InterruptSyncError.Code = number == EBADF ? .invalidArgument : .resourcesExhausted
    throw InterruptSyncError(
      code, object: line, operation: "make a descriptor line",
      cause: code == .invalidArgument
        ? "\(what), \(descriptor), is not open" : "cannot duplicate \(what)",
      hint: code == .invalidArgument
        ? "open it first; you may close it once the line is made"
        : "raise the limit (systemd: LimitNOFILE=)",
      errno: number)
  }

  /// Gives the line to one object, and unmasks it if it is masked on demand. Called by connect, at
  /// PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it; `lineFailed` or `removed` when it
  ///   cannot be unmasked.
  public func attach() throws(InterruptSyncError) -> InterruptLine {
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else {
      throw InterruptSyncError.lineBusy(name)
    }
    let result = masked.unmaskOnDemand()
    guard result == 0 else {
      isClaimed.store(false, ordering: .releasing)
      throw failure(.rearm, errno: -result)
    }
    return unsafe InterruptLine(masked.raw)
  }

  /// Takes the line back, and masks it if it is masked on demand. Called once the dispatcher has stopped.
  public func detach() {
    masked.maskOnDemand()
    isClaimed.store(false, ordering: .releasing)
  }

  /// Masks a line whose interrupts go on otherwise.
  public func brake() { masked.maskOnDemand() }

  /// Unmasks it.
  public func release() -> Int32 { masked.unmaskOnDemand() }

  /// EPIPE, EIO and ENODEV mean `removed`: the other end was closed, or the device is gone. Everything
  /// else is `lineFailed`, also a record whose length is not the format's (EBADMSG).
  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    let (code, cause, hint): (InterruptSyncError.Code, String, String) =
      switch (operation, errno) {
      case (.rearm, EPIPE), (.rearm, EIO), (.rearm, ENODEV):
        (.removed, "the device is gone", "make a line of its new descriptors once it is back")
      case (.rearm, _):
        (
          .lineFailed, "the line cannot be unmasked",
          "find out why the unmask eventfd or call fails"
        )
      case (_, EPIPE), (_, EIO), (_, ENODEV):
        (.removed, "the other end was closed", "make a line of a new descriptor")
      case (_, EBADMSG):
        (
          .lineFailed, "a record's length differs from the format's",
          "make the line with the format that its writer uses"
        )
      default: (.lineFailed, "the descriptor failed", "make a line of a new descriptor")
      }
    return InterruptSyncError(
      code, object: name, operation: operation.rawValue, cause: cause, hint: hint, errno: errno)
  }
}
