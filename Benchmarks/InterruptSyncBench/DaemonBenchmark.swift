import CFloor
import Glibc

/// interruptsyncd from outside: until it is ready and until it answers, a transaction's way there and
/// back, and its memory.
struct DaemonBenchmark {
  let program: String
  let processor: Int32
  private static let rounds = 7
  private static let calls = 2_000
  private static let sizes = [0, 16, 64, 256]
  private static let idleClients = 60

  private static func transaction(_ line: Int = 0) -> String {
    #"{"method":"io.interruptsync.Transact","parameters":{"device":"line\#(line)","operations":[]}}"#
  }

  func run() throws -> [Measurement] {
    // Children run where this thread may.
    _ = placement_apply(placement(priority: 0, processor: -1))
    floor_unpin()
    let free = try startAndMemory() + transactions("") + [try amongOthers()]
    // Where wake-ups between processors are no part of the figures.
    _ = placement_apply(placement(priority: 0, processor: processor))
    defer { floor_unpin() }
    return free + (try transactions(", on one processor"))
  }

  private func startAndMemory() throws -> [Measurement] {
    var (shells, ready): ([Double], [Double]) = ([], [])
    var answers = Self.sizes.map { _ in [Double]() }
    var memory = answers
    var grouped: [Double] = []
    for _ in 0..<Self.rounds {
      shells.append(try shell())
      ready.append(Double(try DaemonProcess.timeUntilReady(program: program)) / 1e6)
      for (index, lines) in Self.sizes.enumerated() {
        let start = probe_now()
        let daemon = try DaemonProcess(program: program, lines: lines)
        answers[index].append(milliseconds(since: start))
        memory[index].append(Double(daemon.resident) / 1_048_576)
      }
      let daemon = try DaemonProcess(program: program, lines: Self.sizes[3], isGrouped: true)
      grouped.append(Double(daemon.resident) / 1_048_576)
    }
    let rows = [
      Measurement(
        "daemon: start to READY=1, against a shell's", ours: ready, peer: shells, unit: "ms"),
      Measurement(
        "daemon: start to first answer, against a shell's", ours: answers[0], peer: shells,
        unit: "ms"),
      Measurement(
        "daemon: start with \(Self.sizes[3]) lines, against none", ours: answers[3],
        peer: answers[0], unit: "ms"),
    ]
    return rows
      + zip(Self.sizes, memory).map {
        Measurement("daemon: resident memory, \($0) software lines", alone: $1, unit: "MiB")
      } + [
        Measurement(
          "daemon: memory of a line with a thread of its own", alone: each(memory[3], memory[0]),
          unit: "KiB"),
        Measurement(
          "daemon: memory of a line in a group", alone: each(grouped, memory[0]), unit: "KiB"),
      ]
  }

  /// KiB of each of the lines, from the MiB of all of them and of a daemon without any.
  private func each(_ all: [Double], _ none: [Double]) -> [Double] {
    zip(all, none).map { ($0 - $1) * 1024 / Double(Self.sizes[3]) }
  }

  /// Against a process that answers as many bytes with as many.
  private func transactions(_ place: String) throws -> [Measurement] {
    let daemon = try DaemonProcess(program: program, lines: 1)
    let reply = try daemon.call(Self.transaction())
    guard let echo = unsafe responder_start(reply, RESPONDER_ECHO) else {
      throw BenchmarkFailure("cannot create the process that answers")
    }
    defer { unsafe responder_end(echo) }
    var (own, others, times): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<Self.rounds {
      let before = daemon.processorTime
      own.append(try roundTrip(daemon.connection))
      times.append(Double(daemon.processorTime - before) / Double(Self.calls) / 1000)
      others.append(try roundTrip(unsafe responder_socket(echo)))
    }
    return [
      Measurement(
        "daemon: transaction there and back\(place), against a process in C", ours: own,
        peer: others, unit: "µs", bar: 1.2),
      Measurement("daemon: its processor time for a transaction\(place)", alone: times, unit: "µs"),
    ]
  }

  /// What the lines that do not fire and the clients that do not ask cost one that does.
  private func amongOthers() throws -> Measurement {
    let last = Self.sizes[3] - 1
    let crowded = try DaemonProcess(program: program, lines: last + 1)
    let alone = try DaemonProcess(program: program, lines: 1)
    let idle = try (0..<Self.idleClients).map { _ in try crowded.connect() }
    defer { for client in idle { close(client) } }
    var (own, others): ([Double], [Double]) = ([], [])
    for _ in 0..<Self.rounds {
      own.append(try roundTrip(crowded.connection, line: last))
      others.append(try roundTrip(alone.connection))
    }
    return Measurement(
      "daemon: transaction among \(last + 1) lines and \(idle.count) clients, against one alone",
      ours: own, peer: others, unit: "µs", bar: 1.1)
  }

  /// What starting any program takes.
  private func shell() throws -> Double {
    let start = probe_now()
    guard unsafe system(":") == 0 else { throw BenchmarkFailure("cannot start a shell") }
    return milliseconds(since: start)
  }

  /// The median, in microseconds.
  private func roundTrip(_ connection: Int32, line: Int = 0) throws -> Double {
    let message = Self.transaction(line)
    var latencies = LatencyHistogram()
    for _ in 0..<Self.calls {
      let start = probe_now()
      try DaemonProcess.call(connection, message)
      latencies.add(probe_now() - start)
    }
    return latencies.percentile(0.5) / 1000
  }

  private func milliseconds(since start: UInt64) -> Double { Double(probe_now() - start) / 1e6 }
}
