import CFloor
import InterruptSync

/// From the signal to the routine: the same signals, at the same pace, to one server after the other
/// in each round.
struct LatencyBenchmark {
  let machine: Machine
  let options: BenchmarkOptions
  /// With real-time priorities for all: who serves, and who signals.
  let isRealtime: Bool

  var priority: Int32 { isRealtime ? Machine.serving : 0 }
  var place: placement { placement(priority: priority, processor: Int32(machine.processor)) }

  /// On a busy line the next interrupt comes before a thread would have gone to sleep and woken; on
  /// a quiet one every server sleeps.
  static let busy = (
    name: "busy line", pace: probe_pace(shots: 10_000, shortest: 3_000, longest: 12_000)
  )
  static let quiet = (
    name: "quiet line", pace: probe_pace(shots: 600, shortest: 300_000, longest: 900_000)
  )

  func attributes(_ waiting: WaitStrategy) -> DispatcherAttributes {
    DispatcherAttributes(
      policy: isRealtime ? .fifo(priority) : .other, processors: [machine.processor],
      waiting: waiting)
  }

  /// DPDK as it comes: EAL gives its interrupt thread the ordinary policy and has no word on it.
  func dpdk(_ target: Target) throws -> DPDKServer? { try dpdk("DPDK", target, 0) }

  private func dpdk(_ name: String, _ target: Target, _ priority: Int32) throws -> DPDKServer? {
    guard let program = options.dpdk else { return nil }
    return try DPDKServer(
      name, target, program: program, priority: priority, processor: machine.processor)
  }

  /// One line with `routines` routines: the loops in C, DPDK, and ours in each way to wait.
  func servers(_ kind: probe_kind, routines: Int = 1) throws -> [any Server] {
    func target() throws -> Target { try Target(kind, routines: routines) }
    var servers: [any Server] = [
      try FloorServer("C, blocking read", try target(), WAITER_READ, place),
      try FloorServer("C, poll", try target(), WAITER_POLL, place),
      try FloorServer("C, epoll", try target(), WAITER_EPOLL, place),
      try CoreServer("InterruptSync, block", try target(), attributes(.block)),
      try CoreServer("InterruptSync, adaptive", try target(), attributes(.adaptive())),
      try CoreServer(
        "InterruptSync, poll", try target(), attributes(.poll(idle: .microseconds(200)))),
    ]
    if let dpdk = try dpdk(try target()) { servers.append(dpdk) }
    if isRealtime, let dpdk = try dpdk("DPDK, made FIFO", try target(), priority) {
      servers.append(dpdk)
    }
    return servers
  }

  /// The floor of all: a loop that never sleeps.
  private func spin(_ kind: probe_kind) throws -> any Server {
    try FloorServer("C, spin", try Target(kind), WAITER_SPIN, place)
  }

  /// - Parameter floor: with the loop that never sleeps on such a line. There is one for each round
  ///   and only for its turn, as it leaves nothing to the others.
  func measure(_ servers: [any Server], _ pace: probe_pace, floor: probe_kind? = nil) throws
    -> [Distribution]
  {
    var distributions = servers.map { Distribution($0.name) }
    if floor != nil { distributions.append(Distribution("C, spin")) }
    machine.drive(isRealtime)
    defer { machine.drive(false) }
    for round in 0..<options.rounds {
      // The order rotates, so that a drift of the machine's speed affects all alike.
      for turn in distributions.indices {
        let index = (turn + round) % distributions.count
        let server = try index < servers.count ? servers[index] : floor.map { try spin($0) }
        guard let server else { continue }
        distributions[index].add(try server.target.drive(pace, serving: server.name))
        Machine.breathe()
      }
    }
    return distributions
  }
}
