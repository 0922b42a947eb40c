import CFloor
import Glibc

/// interruptsyncd with a number of software lines and a socket, in a folder of its own.
final class DaemonProcess {
  private let folder: String
  private let process: Int32
  let connection: Int32

  /// Where it listens.
  var address: String { folder + "/socket" }

  /// Returns when the daemon has answered for the first time.
  /// - Parameter isGrouped: one thread serves all lines.
  init(program: String, lines: Int, isGrouped: Bool = false) throws {
    folder = try Self.folder(lines: lines, isGrouped: isGrouped)
    process = unsafe daemon_start(
      "exec \(program) --config-root \(folder) --listen \(folder)/socket")
    connection = unsafe daemon_connect(folder + "/socket")
    guard process > 0, connection >= 0 else {
      throw BenchmarkFailure("\(program) with \(lines) lines does not listen")
    }
    try call(#"{"method":"io.interruptsync.ListDevices"}"#)
  }

  deinit {
    close(connection)
    daemon_stop(process)
    _ = unsafe system("rm -rf \(folder)")
  }

  /// Nanoseconds from the start until it tells its service manager that it is ready.
  static func timeUntilReady(program: String) throws -> UInt64 {
    let folder = try folder(lines: 0)
    defer { _ = unsafe system("rm -rf \(folder)") }
    let notices = unsafe daemon_notices(folder + "/notices")
    guard notices >= 0 else { throw BenchmarkFailure("cannot create a socket in \(folder)") }
    defer { close(notices) }
    let start = probe_now()
    let process = unsafe daemon_start(
      "NOTIFY_SOCKET=\(folder)/notices exec \(program) --config-root \(folder) "
        + "--listen \(folder)/socket")
    let result = daemon_wait_ready(notices)
    let took = probe_now() - start
    if process > 0 { daemon_stop(process) }
    guard result == 0 else { throw BenchmarkFailure("\(program) does not say READY=1") }
    return took
  }

  /// With a configuration.
  private static func folder(lines: Int, isGrouped: Bool = false) throws -> String {
    let folder = "/tmp/interruptsync-bench-\(getpid())-\(lines)"
    let devices = folder + "/etc/interruptsync/devices"
    guard unsafe system("mkdir -p \(devices)") == 0 else {
      throw BenchmarkFailure("\(devices) cannot be made")
    }
    let names = (0..<lines).map { "line\($0)" }.joined(separator: " ")
    if lines > 0 {
      let thread = isGrouped ? "[Device]\nDispatcherGroup=all\n" : ""
      try Report.write(
        "[Match]\nSoftwareLine=\(names)\n\(thread)", to: devices + "/50-lines.device")
    }
    return folder
  }

  /// Bytes.
  var resident: Int64 { daemon_resident(process) }

  /// Another connection, which the daemon has answered.
  func connect() throws -> Int32 {
    let connection = unsafe daemon_connect(address)
    guard connection >= 0 else { throw BenchmarkFailure("\(address): cannot connect") }
    try Self.call(connection, #"{"method":"org.varlink.service.GetInfo"}"#)
    return connection
  }

  /// Nanoseconds that its threads have had a processor.
  var processorTime: Int64 { daemon_processor_time(process) }

  @discardableResult
  func call(_ message: String) throws -> String { try Self.call(connection, message) }

  /// Sends a message and returns the reply.
  @discardableResult
  static func call(_ connection: Int32, _ message: String) throws -> String {
    guard unsafe daemon_send(connection, message) == 0 else {
      throw BenchmarkFailure("cannot send \(message): no reader")
    }
    return try receive(connection, message)
  }

  static func receive(_ connection: Int32, _ message: String) throws -> String {
    var reply = [CChar](repeating: 0, count: 262_144)
    let length = unsafe daemon_receive(connection, &reply, reply.count)
    guard length > 0 else { throw BenchmarkFailure("no reply to \(message)") }
    let text = String(
      decoding: reply.prefix(Int(length) - 1).map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard !text.contains("\"error\"") else { throw BenchmarkFailure("\(message): \(text)") }
    return text
  }
}
