// What interruptsync/gpio.h says of a line that is there: the kernel behind the chip is a test's, everything above it
// is what a program in C calls. Tests/C has what is refused without a chip; the guests have a real one.
import CInterruptSync
import GPIO
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import InterruptSyncC

private func text<Bytes>(_ bytes: Bytes) -> String {
  withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

private typealias Edge = interruptsync_gpio_edge

/// What the routine found, and how.
private final class Seen: Sendable {
  let line: OpaqueHandle
  let edges = Guarded<[Edge]>([])
  let answers = Guarded<[Int32]>([])

  init(_ line: OpaquePointer) { self.line = OpaqueHandle(pointer: line) }
}

private struct OpaqueHandle: @unchecked Sendable { let pointer: OpaquePointer }

@Test func aLinesEdgesAreReadByItsRoutineInC() throws {
  let kernel = try FakeChip(["gpiochip0": "board"])
  var made: OpaquePointer?
  try LineBox(.gpio(try GPIOLine(try kernel.open(), offset: 2))).give(to: &made)
  let line = try #require(made)
  defer { interruptsync_release(UnsafeMutableRawPointer(line)) }
  var info = interruptsync_gpio_info()
  info.size = MemoryLayout<interruptsync_gpio_info>.size
  #expect(interruptsync_gpio_get_info(line, &info) == 0)
  #expect(info.offset == 2 && info.dropped == 0)
  #expect(text(info.chip) == "gpiochip0" && text(info.label) == "board")
  kernel.state.withLock { $0.lines[0].level = 1 }
  #expect(interruptsync_gpio_value(line) == 1)
  kernel.state.withLock { $0.lines[0].level = 0 }
  #expect(interruptsync_gpio_value(line) == 0)

  let seen = Seen(line)
  var object: OpaquePointer?
  #expect(interruptsync_object_create(line, UInt32(INTERRUPTSYNC_MODE_NORMAL), nil, &object) == 0)
  let registered = interruptsync_object_register(
    object,
    { _, context in
      let seen = Unmanaged<Seen>.fromOpaque(context!).takeUnretainedValue()
      var room = [Edge](repeating: Edge(), count: 2)
      // How many there are, what fits, and room that is not there.
      let answers = [
        interruptsync_gpio_edges(seen.line.pointer, nil, 0),
        interruptsync_gpio_edges(seen.line.pointer, &room, 2),
        interruptsync_gpio_edges(seen.line.pointer, nil, 1),
      ]
      seen.answers.withLock { $0 = answers }
      seen.edges.withLock { $0 += room.prefix(Int(min(answers[1], 2))) }
      return 0
    }, Unmanaged.passUnretained(seen).toOpaque(), 0, nil)
  #expect(registered == 0 && interruptsync_object_connect(object) == 0)
  kernel.edge(2, rising: true, at: 1000)
  try eventually("the first edge") { seen.edges.withLock { $0.count } == 1 }
  kernel.edge(2, rising: false, at: 2000, dropping: 3)
  try eventually("the second edge") { seen.edges.withLock { $0.count } == 2 }
  #expect(interruptsync_object_disconnect(object) == 0)
  let edges = seen.edges.withLock { $0 }
  #expect(edges.map(\.nanoseconds) == [1000, 2000] && edges.map(\.rising) == [1, 0])
  #expect(edges.map(\.number) == [1, 5])
  #expect(seen.answers.withLock { $0 } == [1, 1, -EINVAL])
  #expect(interruptsync_gpio_get_info(line, &info) == 0 && info.dropped == 3)
  #expect(interruptsync_release(UnsafeMutableRawPointer(object)) == 0)
}
