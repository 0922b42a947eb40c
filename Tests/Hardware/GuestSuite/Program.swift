// Programs that cases run beside themselves: the daemon, the examples, interruptsyncctl. A case
// starts, watches and ends them from the suite's one thread.
import FoundationEssentials
import Glibc
import LinuxSystem
import Varlink

/// The fields of the daemon's JSON that the cases check.
struct Record: Decodable {
  var device: String
  var state: String
  var interrupts: UInt64
  var dispatches: UInt64
  var claimed: UInt64
  var unclaimed: UInt64
  var coalesced: UInt64
  var storms: UInt64

  /// Nil when the line is not a record.
  init?(line: Substring) {
    guard let record = try? JSONDecoder().decode(Record.self, from: Data(line.utf8)) else {
      return nil
    }
    self = record
  }
}

/// A running program, the daemon by default, whose output goes to a file.
final class Program {
  private let process: pid_t
  private let path: String
  private nonisolated(unsafe) static var number = 0
  /// Those that were not waited for.
  private nonisolated(unsafe) static var running: Set<pid_t> = []

  /// - Parameter program: a program of the payload, or a path.
  init(_ arguments: [String], program: String = "interruptsyncd") throws {
    Program.number += 1
    path = "/tmp/daemon-\(Program.number).out"
    let file = creat(path, 0o600)
    guard file >= 0 else { throw Failure(description: "creat \(path)") }
    defer { close(file) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, file, 1)
    posix_spawn_file_actions_adddup2(&actions, file, 2)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let result = posix_spawn(
      &child, program.contains("/") ? program : "./\(program)", &actions, nil, &words, environ)
    guard result == 0 else { throw Failure(description: "\(program): \(Errno.name(result))") }
    process = child
    Program.running.insert(child)
  }

  /// Ends what a failed case left running.
  static func killAll() {
    for process in running {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    running = []
  }

  var text: String { (try? FileDescriptor.openText(path)) ?? "" }

  private var records: [Record] {
    text.split(separator: "\n").compactMap(Record.init(line:))
  }

  /// Waits until the newest record of each of `devices` devices has `state`.
  func waitForState(_ state: String, devices: Int) throws {
    try Guest.waitFor("the daemon to be \(state); it says: \(text.suffix(2000))") {
      var newest: [String: String] = [:]
      for record in records { newest[record.device] = record.state }
      return newest.count == devices && newest.values.allSatisfy { $0 == state }
    }
  }

  func waitForText(_ wanted: String) throws {
    try Guest.waitFor("\"\(wanted)\" in \(text.suffix(2000))") { text.contains(wanted) }
  }

  var id: Int32 { process }

  func send(_ signal: Int32) { kill(process, signal) }

  /// Whether `wait` would return at once.
  var hasEnded: Bool {
    var info = siginfo_t()
    let options = WEXITED | WNOHANG | WNOWAIT
    return waitid(P_PID, id_t(process), &info, options) == 0 && info.si_signo == SIGCHLD
  }

  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    Program.running.remove(process)
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
  }

  func terminate() throws -> (Int32, [Record]) {
    send(SIGTERM)
    let status = wait()
    return (status, records)
  }
}

/// interruptsyncctl as its package installs it.
enum Control {
  /// Runs it and returns its output. Fails unless its exit status is 0.
  @discardableResult
  static func run(_ arguments: String) throws -> String {
    try Guest.shell("interruptsyncctl \(arguments)")
  }

  /// Runs it and returns its output. Expects the exit status `status` and each of `words`.
  @discardableResult
  static func fail(
    _ arguments: String, status: Int32 = 1, _ words: [String], line: Int = #line
  ) throws -> String {
    let result = try Guest.run("interruptsyncctl \(arguments)")
    try expectEqual(
      result.status, status, "exit status of \(arguments): \(result.text)", line: line)
    for word in words {
      try expect(result.text.contains(word), "\(arguments): \(result.text)", line: line)
    }
    return result.text
  }

  /// Runs it with --json.
  static func json(_ arguments: String) throws -> JSONObject {
    try object(try run(arguments + " --json"))
  }

  static func object(_ text: String) throws -> JSONObject {
    guard let object = try JSONParser.parse(text).object else {
      throw Failure(description: "no object: \(text)")
    }
    return object
  }

  /// Starts it in the background, for a minute at most.
  static func start(_ arguments: String) throws -> Program {
    try Program(["-c", "exec timeout 60 interruptsyncctl \(arguments)"], program: "/bin/sh")
  }
}
