// Runs the built programs: interruptsyncctl in a shell, and daemons with their own folder and socket.
import Glibc
import TestSupport
import LinuxSystem

/// The folder of the products, next to the tests.
let programs = {
  let test = (try? FileDescriptor.link("/proc/self/exe")) ?? ""
  let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? test
  return String(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)])
}()

struct Ran {
  let status: Int32
  let output: String
  let complaint: String
}

/// Runs a shell command in which `$ctl` is interruptsyncctl.
func shell(_ command: String, address: String = "/nonexistent/socket") throws -> Ran {
  let folder = try TemporaryFolder()
  let line =
    "ctl=\(programs)/interruptsyncctl; export INTERRUPTSYNC_ADDRESS=\(address); unset NO_COLOR; "
    + "{ \(command); } >\(folder.path)/out 2>\(folder.path)/err </dev/null"
  let status = system(line)
  func text(_ name: String) throws -> String {
    String(decoding: try folder.bytes(name), as: UTF8.self)
  }
  return Ran(
    status: status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f), output: try text("out"),
    complaint: try text("err"))
}

/// A daemon with its own software lines.
final class Daemon {
  let folder: TemporaryFolder
  private var process: pid_t = 0
  var address: String { folder.path("socket") }

  init(_ lines: String...) throws {
    folder = try TemporaryFolder()
    try configure(lines)
    let arguments: [String] = [
      programs + "/interruptsyncd", "--quiet", "--config-root", folder.path, "--listen", address,
    ]
    var words =
      arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let log = folder.path("log")
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT, 0o600)
    guard posix_spawn(&process, words[0]!, &actions, nil, &words, environ) == 0 else {
      throw SystemError(errno)
    }
    _ = try shell("$ctl wait --timeout 60", address: address)
  }

  func configure(_ lines: [String]) throws {
    for line in lines {
      try folder.write(
        "etc/interruptsync/devices/\(line).device", "[Match]\nSoftwareLine=\(line)\n")
    }
  }

  deinit { stop() }

  func stop() {
    guard process != 0 else { return }
    kill(process, SIGTERM)
    var status: Int32 = 0
    waitpid(process, &status, 0)
    process = 0
  }

  func run(_ command: String) throws -> Ran { try shell(command, address: address) }
}
