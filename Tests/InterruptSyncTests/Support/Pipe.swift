import Glibc

@testable import InterruptSync

/// A line over a pipe that carries totals: each record is one dispatch, none is coalesced.
final class Pipe {
  let line: FileDescriptorLine
  private(set) var total: UInt32
  private var writer: Int32

  init(total: UInt32 = 0) throws {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    defer { close(ends[0]) }
    self.total = total
    writer = ends[1]
    line = try FileDescriptorLine(ends[0], format: .totals, total: total, name: "pipe")
  }

  deinit { closeWriter() }

  /// Raises one interrupt, or `count` at once.
  func interrupt(_ count: UInt32 = 1) { send(total &+ count) }

  /// Writes this total, whatever the last one was.
  func send(_ newTotal: UInt32) {
    total = newTotal
    var record = newTotal
    precondition(write(writer, &record, 4) == 4)
  }

  func send(bytes: [UInt8]) { precondition(write(writer, bytes, bytes.count) == bytes.count) }

  func closeWriter() {
    if writer >= 0 { close(writer) }
    writer = -1
  }
}
