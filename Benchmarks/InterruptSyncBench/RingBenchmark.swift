import CFloor
import Glibc
import InterruptSyncClient

/// Interrupts of a software line of interruptsyncd as a client sees them in its ring, against a
/// process in C that does no more than leave a record and signal an eventfd.
struct RingBenchmark {
  let program: String
  private static let rounds = 7
  private static let shots = 500
  private static let pipelined: UInt64 = 20_000
  private static let device = "line0"
  private static let trigger =
    #"{"method":"io.interruptsync.Trigger","parameters":{"device":"line0"}}"#

  func run() throws -> (rows: [Measurement], found: [Distribution]) {
    floor_unpin()
    let daemon = try DaemonProcess(program: program, lines: 1)
    let ring = try InterruptSyncClient(address: daemon.address).subscribe(
      Self.device, capacity: 65_536)
    let reply = try daemon.call(Self.trigger)
    _ = try ring.next(timeout: .seconds(5))
    guard let prompt = unsafe responder_start(reply, RESPONDER_RECORD),
      let late = unsafe responder_start(reply, RESPONDER_LATE),
      let chain = unsafe responder_start(reply, RESPONDER_CHAIN)
    else { throw BenchmarkFailure("cannot create the process that leaves records") }
    defer {
      unsafe responder_end(prompt)
      unsafe responder_end(late)
      unsafe responder_end(chain)
    }
    return unsafe try measure(daemon, ring, prompt, late, chain)
  }

  private func measure(
    _ daemon: DaemonProcess, _ ring: InterruptRing, _ peer: OpaquePointer, _ late: OpaquePointer,
    _ chain: OpaquePointer
  ) throws -> ([Measurement], [Distribution]) {
    var found = [
      Distribution("daemon, trigger to record"), Distribution("C, message to record"),
      Distribution("daemon, record to client"), Distribution("C, record to client"),
      Distribution("C, three threads, message to record"),
      Distribution("C, three threads, record to client"),
    ]
    var (floods, others, rates): ([Double], [Double], [Double]) = ([], [], [])
    for _ in 0..<Self.rounds {
      let own = try shoot(daemon.connection) { try Self.next(ring) }
      found[0].add(own.whole)
      found[2].add(own.tail)
      found[1].add(
        try shoot(unsafe responder_socket(peer)) { unsafe responder_next(peer) }.whole)
      found[3].add(
        try shoot(unsafe responder_socket(late)) { unsafe responder_next(late) }.tail)
      let three = try shoot(unsafe responder_socket(chain)) { unsafe responder_next(chain) }
      found[4].add(three.whole)
      found[5].add(three.tail)
      let (time, records) = try flood(daemon.connection) { wanted in
        try Self.drain(ring, wanted)
      }
      floods.append(time / Double(Self.pipelined))
      rates.append(Double(records) / time * 1e9)
      others.append(
        try flood(unsafe responder_socket(peer)) { wanted in
          for _ in 0..<wanted { _ = unsafe responder_next(peer) }
          return wanted
        }.time / Double(Self.pipelined))
    }
    return (rows(found, floods, others, rates, dropped: ring.dropped), found)
  }

  private func rows(
    _ found: [Distribution], _ own: [Double], _ others: [Double], _ rates: [Double],
    dropped: UInt64
  ) -> [Measurement] {
    var rows: [Measurement] = []
    for (what, ours, peers, bar) in [
      ("trigger to record seen", 0, (1, 4), 2.0), ("record to client", 2, (3, 5), 1.5),
    ] {
      for (name, share) in [("median", 0.5), ("99th percentile", 0.99)] {
        rows.append(
          Measurement(
            "daemon: \(what), \(name), against a process in C",
            ours: found[ours].percentiles(share), peer: found[peers.0].percentiles(share),
            unit: "µs", bar: share == 0.5 ? bar : nil))
      }
      rows.append(
        Measurement(
          "daemon: \(what), median, against one with as many threads",
          ours: found[ours].percentiles(0.5), peer: found[peers.1].percentiles(0.5), unit: "µs"))
    }
    return rows + [
      Measurement(
        "daemon: 20,000 triggers pipelined until all are in the ring, against a process in C",
        ours: own, peer: others, unit: "ns/trigger", bar: 2),
      Measurement("daemon: records taken from a ring meanwhile", alone: rates, unit: "records/s"),
      Measurement(
        "daemon: records that the ring dropped", count: dropped, wanted: 0, unit: "records"),
    ]
  }

  /// One at a time, with pauses in which all threads fall asleep. `next` waits for a record and
  /// returns when it was written.
  private func shoot(_ connection: Int32, _ next: () throws -> UInt64) throws -> (
    whole: [UInt64], tail: [UInt64]
  ) {
    var (whole, tail): ([UInt64], [UInt64]) = ([], [])
    for _ in 0..<Self.shots {
      usleep(300)
      let sent = probe_now()
      guard unsafe daemon_send(connection, Self.trigger) == 0 else {
        throw BenchmarkFailure("cannot send triggers: no reader")
      }
      let written = try next()
      let seen = probe_now()
      guard written >= sent else { throw BenchmarkFailure("no record of a trigger in 5 s") }
      whole.append(seen - sent)
      tail.append(seen - written)
      _ = try DaemonProcess.receive(connection, Self.trigger)
    }
    return (whole, tail)
  }

  private static func next(_ ring: InterruptRing) throws -> UInt64 {
    guard let record = try ring.next(timeout: .seconds(5)) else {
      throw BenchmarkFailure("the daemon ended the ring")
    }
    let (seconds, attoseconds) = record.timestamp.components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }

  /// Takes records until they add up to `wanted` interrupts. Returns the number of records.
  private static func drain(_ ring: InterruptRing, _ wanted: UInt64) throws -> UInt64 {
    var (seen, records): (UInt64, UInt64) = (0, 0)
    while seen < wanted {
      guard let record = try ring.next(timeout: .seconds(10)) else {
        throw BenchmarkFailure("the daemon ended the ring")
      }
      seen += record.interrupts
      records += 1
    }
    guard seen == wanted else {
      throw BenchmarkFailure("\(seen) interrupts in the ring of \(wanted) triggers")
    }
    return records
  }

  /// Triggers as fast as they are answered, while `take` takes what they lead to. Nanoseconds, and
  /// what `take` returned.
  private func flood(_ connection: Int32, _ take: (UInt64) throws -> UInt64) throws -> (
    time: Double, records: UInt64
  ) {
    let start = probe_now()
    guard let flood = unsafe flood_start(connection, Self.trigger, Self.pipelined) else {
      throw BenchmarkFailure("cannot create the triggering thread")
    }
    let records = Result { try take(Self.pipelined) }
    let took = Double(probe_now() - start)
    guard unsafe flood_end(flood) == 0 else { throw BenchmarkFailure("triggers failed") }
    return (took, try records.get())
  }
}
