// Clients of the daemon in processes of their own: without rights, many at once, or to be killed.
import CUIO
import Glibc
import UIO
import Varlink

/// `guest-suite --client WHAT SOCKET …`.
enum ServiceClient {
  static func main(_ arguments: [String]) -> Never {
    do {
      switch arguments.first {
      case "subscribe": try subscribe(Array(arguments.dropFirst()))
      case "transact": try transact(Array(arguments.dropFirst()))
      case "attach": try attach(Array(arguments.dropFirst()))
      default: throw Failure(description: "no such client: \(arguments)")
      }
      exit(0)
    } catch {
      say("client: \(error)")
      exit(1)
    }
  }

  /// SOCKET DEVICE GROUP COUNT: without rights but those of a group.
  private static func subscribe(_ arguments: [String]) throws {
    let (socket, device) = (arguments[0], arguments[1])
    guard let group = UInt32(arguments[2]), let count = UInt64(arguments[3]) else {
      throw Failure(description: "not a number")
    }
    var groups: [gid_t] = [group]
    try expectEqual(setgroups(1, &groups), 0, "setgroups")
    try expectEqual(setgid(65534), 0, "setgid")
    try expectEqual(setuid(65534), 0, "setuid")
    try expect(Glibc.open("/dev/uio0", O_RDWR) < 0 || group != 65534, "has rights to devices")
    let client = try VarlinkClient(socket, timeout: .seconds(60))
    let named: JSONObject = ["device": .string(device)]
    for method in ["Disconnect", "Attach", "Connect"] {
      try expectEqual(client.refusal(method, named), "PermissionDenied", method)
    }
    let operations: JSON = [Operation.write(Edu.raise, 1)]
    try expectEqual(
      client.refusal("Transact", ["device": .string(device), "operations": operations]),
      "PermissionDenied", "Transact")
    try expectEqual(client.refusal("Reload", [:]), "PermissionDenied", "Reload")
    let ring = try Ring(client, device)
    say("subscribed")
    var sum: UInt64 = 0
    while sum < count {
      let entry = try ring.next()
      sum += entry.count
      try expectEqual(entry.captured.0, sum, "what was captured of interrupt \(sum)")
      try expectEqual(entry.total, sum, "the total")
      try expect(entry.claimed != 0, "interrupt \(sum) was not claimed")
    }
    try expectEqual(ring.dropped, 0, "dropped")
    say("received \(sum)")
  }

  /// SOCKET DEVICE NUMBER COUNT: transactions whose results tell if anybody came in between.
  private static func transact(_ arguments: [String]) throws {
    let (socket, device) = (arguments[0], arguments[1])
    guard let number = UInt32(arguments[2]), let count = Int(arguments[3]) else {
      throw Failure(description: "not a number")
    }
    let client = try VarlinkClient(socket, timeout: .seconds(60))
    let method = "io.interruptsync.Transact"
    func value(_ round: Int, _ half: UInt32) -> UInt32 {
      number << 28 | half << 24 | UInt32(round) & 0xffffff
    }
    // Several on their way at once, so that the daemon always has one of each client.
    let ahead = 16
    for round in 0..<count + ahead {
      if round < count {
        let operations: [JSON] = [
          Operation.write(0x04, value(round, 0)), Operation.read(0x04),
          Operation.write(0x04, value(round, 1)), Operation.read(0x04),
          Operation.write(Edu.raise, 1 << number), Operation.read(0x04),
        ]
        try client.send(method, ["device": .string(device), "operations": .array(operations)])
      }
      guard round >= ahead else { continue }
      let done = round - ahead
      let reply = try client.receive(method)
      let results = (reply.parameters["results"]?.array ?? []).compactMap(\.uint64)
      let (first, second) = (value(done, 0), value(done, 1))
      try expectEqual(
        results,
        [first, ~first, second, ~second, 1 << number, ~second].map(UInt64.init),
        "results of transaction \(done)")
    }
    say("done \(count)")
  }

  /// SOCKET DEVICE: services the line, each time raising the next interrupt, until it is killed.
  private static func attach(_ arguments: [String]) throws {
    let (socket, device) = (arguments[0], arguments[1])
    let client = try VarlinkClient(socket, timeout: .seconds(60))
    let event = try client.ask("Attach", ["device": .string(device)]).descriptors[0]
    say("attached")
    try client.transact(device, [Operation.write(Edu.raise, 1)])
    for count in 1... {
      let result = cuio_wait(event.raw, -1, 60_000, false)
      try expectEqual(result, Int32(CUIO_WAIT_READABLE), "waiting for interrupt \(count)")
      _ = cuio_event_drain(event.raw)
      let status = try client.transact(device, [Operation.read(Edu.status)])[0]
      try client.transact(
        device,
        [
          Operation.write(Edu.acknowledge, UInt32(truncatingIfNeeded: status)),
          Operation.write(Edu.raise, 1),
        ])
      try client.ask("Complete", ["device": .string(device), "claimed": .bool(status != 0)])
      if count == 10 { say("serviced") }
    }
  }
}
