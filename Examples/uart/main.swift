// Serial ports at work. Each FLOW sends BYTES: "2" in loopback from port 2 to itself, "0-1" between
// ports 0 and 1, which a null-modem cable connects, both ways at once.
import Glibc
import InterruptSync

/// "2" or "0-1", each with a seed of its own; nil when it is neither.
func flows(_ word: String, bytes: Int) -> [Flow]? {
  let ports = word.split(separator: "-").map { Int($0) ?? -1 }
  guard ports.allSatisfy((0..<SerialCard.ports).contains) else { return nil }
  func flow(_ from: Int, _ to: Int) -> Flow {
    Flow(from: from, to: to, bytes: bytes, seed: .random(in: 1...UInt64.max))
  }
  switch ports.count {
  case 1: return [flow(ports[0], ports[0])]
  case 2 where ports[0] != ports[1]: return [flow(ports[0], ports[1]), flow(ports[1], ports[0])]
  default: return nil
  }
}

/// Runs all flows at once; whether every byte arrived as it was sent.
func run(_ flows: [Flow], on card: SerialCard) async throws -> Bool {
  for flow in flows { try await card.open(flow.from, loopback: flow.from == flow.to) }
  let start = ContinuousClock.now
  let outcomes = try await withThrowingTaskGroup(of: (Flow, Flow.Outcome).self) { group in
    for flow in flows { group.addTask { (flow, try await flow.run(on: card)) } }
    return try await group.reduce(into: []) { $0.append($1) }
  }
  let tenths = Int((ContinuousClock.now - start) / .milliseconds(100))
  var isGood = true
  for (flow, outcome) in outcomes {
    print(
      "port \(flow.from) to port \(flow.to): seed \(flow.seed), \(flow.bytes) bytes sent,",
      "\(outcome.received) received, \(outcome.wrong) wrong, checksums",
      String(outcome.sentChecksum, radix: 16), String(outcome.receivedChecksum, radix: 16))
    isGood = isGood && outcome.wrong == 0 && outcome.sentChecksum == outcome.receivedChecksum
    let counts = try await card.counts(of: flow.to)
    print(
      "port \(flow.to): \(counts.interrupts) interrupts, \(counts.overruns) overruns,",
      "\(counts.framingErrors) framing errors, \(counts.pauses) pauses")
    isGood = isGood && counts.overruns == 0 && counts.framingErrors == 0
  }
  let statistics = try await card.close()
  print(
    "uart: \(isGood ? "all bytes arrived" : "BYTES WERE LOST"):",
    "\(outcomes.reduce(0) { $0 + $1.1.received }) bytes in \(Double(tenths) / 10) s,",
    "\(statistics.dispatches) dispatches, \(statistics.unclaimed) unclaimed")
  return isGood
}

/// Ends the program when nothing has moved for half a minute: bytes that are lost never come.
func watch(_ card: SerialCard) async throws {
  var before: UInt64?
  while before != card.dispatches {
    before = card.dispatches
    try await Task.sleep(for: .seconds(30))
  }
  print("uart: BYTES WERE LOST: nothing moves after \(card.dispatches) dispatches")
  exit(1)
}

let words = CommandLine.arguments.dropFirst()
let bytes = words.count > 2 ? Int(words[2]) ?? 0 : 0
let wanted = words.dropFirst(2).map { flows($0, bytes: bytes) }
// A port sends in one flow only.
let all = wanted.flatMap { $0 ?? [] }
guard bytes > 0, !wanted.contains(where: { $0 == nil }), Set(all.map(\.from)).count == all.count
else {
  print("usage: uart-example DEVICE BYTES FLOW...   (a FLOW is a port, 0 to 3, or two: 0-1)")
  exit(64)
}
do {
  let card = try SerialCard(words[1])
  Task { try await watch(card) }
  exit(try await run(all, on: card) ? 0 : 1)
} catch {
  print("uart-example: \(error)")
  exit(1)
}
