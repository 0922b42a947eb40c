import CFloor
import Glibc

/// interruptsyncd with a number of software lines and a socket, in a folder of its own.
final class DaemonProcess {
  private let folder: String
  private let process: Int32
  let connection: Int32

  /// Returns when the daemon has answered for the first time.
  init(program: String, lines: Int) throws {
    folder = "/tmp/interruptsync-bench-\(getpid())-\(lines)"
    let devices = folder + "/etc/interruptsync/devices"
    guard unsafe system("mkdir -p \(devices)") == 0 else {
      throw BenchmarkFailure("\(devices) cannot be made")
    }
    let names = (0..<lines).map { "line\($0)" }.joined(separator: " ")
    try Report.write("[Match]\nSoftwareLine=\(names)\n", to: devices + "/50-lines.device")
    process = unsafe daemon_start(
      "exec \(program) --config-root \(folder) --listen \(folder)/socket")
    connection = unsafe daemon_connect(folder + "/socket")
    guard process > 0, connection >= 0 else {
      throw BenchmarkFailure("\(program) with \(lines) lines does not listen")
    }
    try call(#"{"method":"io.interruptsync.GetStatistics","parameters":{"device":"line0"}}"#)
  }

  deinit {
    close(connection)
    daemon_stop(process)
    _ = unsafe system("rm -rf \(folder)")
  }

  /// Bytes.
  var resident: Int64 { daemon_resident(process) }

  func call(_ message: String) throws { try Self.call(connection, message) }

  static func call(_ connection: Int32, _ message: String) throws {
    var reply = [CChar](repeating: 0, count: 65_536)
    let length = unsafe daemon_call(connection, message, &reply, reply.count)
    guard length > 0 else { throw BenchmarkFailure("no reply to \(message)") }
    let text = String(
      decoding: reply.prefix(Int(length) - 1).map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard !text.contains("\"error\"") else { throw BenchmarkFailure("\(message): \(text)") }
  }
}
