// A daemon in the background, with a socket and a configuration of its own.
import Glibc
import TestSupport
import UIO
import Varlink

@testable import InterruptSyncService

final class RunningDaemon {
  let folder: TemporaryFolder
  let process: pid_t
  private var hasEnded = false
  var address: String { folder.path("socket") }

  /// - Parameter files: below `/etc/interruptsync`.
  init(_ files: [String: String]) throws {
    folder = try TemporaryFolder()
    for (name, text) in files { try folder.write("etc/interruptsync/\(name)", text) }
    let arguments = [
      programs + "/interruptsyncd", "--quiet", "--config-root", folder.path, "--listen",
      folder.path("socket"),
    ]
    var words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(
      &actions, 2, folder.path("log"), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var process: pid_t = 0
    guard posix_spawn(&process, arguments[0], &actions, nil, &words, environ) == 0 else {
      throw SystemError(errno)
    }
    self.process = process
  }

  deinit { _ = stop() }

  /// A connection, as soon as the daemon listens.
  func client() throws -> VarlinkClient {
    for _ in 0..<6000 {
      if let client = try? VarlinkClient(address, timeout: .seconds(60)) { return client }
      usleep(10_000)
    }
    return try VarlinkClient(address, timeout: .seconds(60))
  }

  var log: String { (try? String(decoding: folder.bytes("log"), as: UTF8.self)) ?? "" }

  func signal(_ number: Int32) { kill(process, number) }

  /// Ends it; its exit status, or -1 for a signal.
  func stop() -> Int32 {
    guard !hasEnded else { return -1 }
    hasEnded = true
    kill(process, SIGTERM)
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return status & 0x7f == 0 ? (status >> 8) & 0xff : -1
  }
}

/// A soft line for each name.
func softwareLines(_ names: String...) -> [String: String] {
  ["devices/10-soft.device": "[Match]\nSoftwareLine=\(names.joined(separator: " "))\n"]
}

extension VarlinkClient {
  /// Calls a method of io.interruptsync.
  func ask(_ method: String, _ parameters: JSONObject = [:]) throws -> JSONObject {
    try call("io.interruptsync.\(method)", parameters).parameters
  }

  /// The error that a method answers, without the interface's name; "" when it answers none.
  func refusal(_ method: String, _ parameters: JSONObject = [:]) -> String {
    do {
      _ = try call("io.interruptsync.\(method)", parameters)
      return ""
    } catch {
      return String(error.reply?.name.split(separator: ".").last ?? "?")
    }
  }

  func interrupts(_ device: String) throws -> UInt64 {
    let all = try ask("GetStatistics", ["device": .string(device)])["statistics"]?.array ?? []
    return all.first?.object?["interrupts"]?.uint64 ?? .max
  }

  func state(_ device: String) throws -> String {
    let answer = try ask("DescribeDevice", ["device": .string(device)])
    return answer["device"]?.object?["state"]?.string ?? ""
  }
}

/// Polls until it holds.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
  let deadline = time(nil) + 60
  while try !condition() {
    guard time(nil) < deadline else { throw Late(what: what) }
    usleep(1000)
  }
}

struct Late: Error, CustomStringConvertible {
  let what: String
  var description: String { "did not come within 60 s: \(what)" }
}
