// The machine below the guest, which plugs devices in and has them report errors: QEMU's monitor, wired to a serial
// port of the guest's own. One process of the guest speaks with it, the suite, on its one thread.
import Glibc
import LinuxSystem
import Varlink

enum Emulator {
  /// Commands and answers are a line of JSON each.
  private static let path = "/dev/ttyS2"
  private nonisolated(unsafe) static var opened: FileDescriptor?
  private nonisolated(unsafe) static var received: [UInt8] = []
  private nonisolated(unsafe) static var number: Int64 = 0

  /// Runs a command and returns its result. Fails when QEMU refuses it.
  @discardableResult
  static func run(_ command: String, _ arguments: JSONObject = [:]) throws -> JSON {
    let port = try port()
    number += 1
    let request: JSONObject = [
      "execute": .string(command), "arguments": .object(arguments), "id": .integer(number),
    ]
    try send(JSONWriter.bytes(request) + Array("\n".utf8), to: port)
    while true {
      // Events have no number, and neither has what was said before the wire was set up.
      let line = try line(from: port)
      guard let answer = try? Control.object(line), answer["id"]?.int64 == number else { continue }
      if let result = answer["return"] { return result }
      throw Failure(description: "QEMU's \(command): \(answer)")
    }
  }

  /// Runs a command that QEMU has for people only. What it says is all that tells of a failure.
  @discardableResult
  static func say(_ command: String) throws -> String {
    try run("human-monitor-command", ["command-line": .string(command)]).string ?? ""
  }

  private static func port() throws -> FileDescriptor {
    if let opened { return opened }
    let port = try FileDescriptor.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)
    var settings = termios()
    try expectEqual(tcgetattr(port.raw, &settings), 0, "\(path): no wire to QEMU's monitor")
    cfmakeraw(&settings)
    try expectEqual(tcsetattr(port.raw, TCSAFLUSH, &settings), 0, "settings of \(path)")
    // The terminal has echoed a part of QEMU's greeting: this byte is no JSON, and ends what it began.
    try send([0xff], to: port)
    opened = port
    try run("qmp_capabilities")
    return port
  }

  private static func send(_ bytes: [UInt8], to port: FileDescriptor) throws {
    var left = bytes[...]
    while !left.isEmpty {
      let sent = left.withUnsafeBytes { Glibc.write(port.raw, $0.baseAddress, $0.count) }
      if sent < 0, errno == EAGAIN {
        try wait(for: POLLOUT, port)
      } else {
        try expect(sent > 0, "write: \(Errno.name(errno))")
        left = left.dropFirst(sent)
      }
    }
  }

  private static func line(from port: FileDescriptor) throws -> String {
    var room = [UInt8](repeating: 0, count: 4096)
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: received[..<end], as: UTF8.self)
        received.removeFirst(end + 1)
        return line
      }
      let count = read(port.raw, &room, room.count)
      if count > 0 {
        received += room.prefix(count)
      } else {
        try expect(count < 0 && errno == EAGAIN, "read: \(Errno.name(errno))")
        try wait(for: POLLIN, port)
      }
    }
  }

  private static func wait(for events: Int32, _ port: FileDescriptor) throws {
    var entry = pollfd(fd: port.raw, events: Int16(events), revents: 0)
    try expectEqual(poll(&entry, 1, 60_000), 1, "waiting for QEMU")
  }
}
