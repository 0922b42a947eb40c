// Descriptors that behave like a UIO node in one state or another.
import CUIO
import Glibc
import TestSupport

@testable import UIO

enum FakeNode {
  /// Never in error for poll; a write of 4 bytes succeeds.
  static func alive() throws -> FileDescriptor { try FileDescriptor.open("/dev/null", O_RDWR) }

  /// Never in error for poll; a write of 4 bytes is EINVAL (fact 16: torn down).
  static func refusing() -> FileDescriptor { FileDescriptor(adopting: linux_event_create()) }

  /// In error for poll, and a write is not EIO: a device that was unbound (facts 16, 21).
  static func unbound() -> FileDescriptor {
    let node = MortalNode()
    node.kill()
    return node.file
  }

  /// Lets irqcontrol answer `number` on this task, whatever the node.
  static func irqControl<T>(answers number: Int32, _ body: () throws -> T) rethrows -> T {
    try SystemError.$injected.withValue(
      { call, _ in call == .irqControl ? number : nil }, operation: body)
  }
}

/// A node that can be taken away while it is open: the reading end of a pipe, in error for poll once
/// the writing end is closed (fact 21). A write to it is EBADF.
final class MortalNode: Sendable {
  let file: FileDescriptor
  private let other: Guarded<FileDescriptor?>

  init() {
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    // A program that another test starts must not keep an end open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    file = FileDescriptor(adopting: ends[0])
    other = Guarded(FileDescriptor(adopting: ends[1]))
  }

  /// Returns once the node is in error: a child that another test has just forked holds the writing
  /// end as well, until it executes its program.
  func kill() {
    other.withLock { $0 = nil }
    var entry = pollfd(fd: file.raw, events: 0, revents: 0)
    _ = poll(&entry, 1, 60_000)
  }
}
