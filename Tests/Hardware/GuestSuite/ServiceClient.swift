// Clients of the daemon as separate processes: without rights, several at once, or killed by the case.
// The suite starts itself with --client; nothing here runs in the suite's own process.
import CUIO
import Glibc
import LinuxSystem
import UIO
import Varlink

/// `guest-suite --client WHAT SOCKET …`.
enum ServiceClient {
  static func main(_ arguments: [String]) -> Never {
    do {
      switch arguments.first {
      case "subscribe": try subscribe(Array(arguments.dropFirst()))
      case "messages": try messages(Array(arguments.dropFirst()), areAllClaimed: true)
      case "claims": try messages(Array(arguments.dropFirst()), areAllClaimed: false)
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

  /// SOCKET DEVICE GROUP COUNT: subscribes with the rights of one group only.
  private static func subscribe(_ arguments: [String]) throws {
    let (socket, device) = (arguments[0], arguments[1])
    guard let group = UInt32(arguments[2]), let count = UInt64(arguments[3]) else {
      throw Failure(description: "not a number")
    }
    try keepOnly(group)
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
      try expectEqual(entry.captured.0, sum, "the captured value of interrupt \(sum)")
      try expectEqual(entry.total, sum, "the total")
      try expect(entry.claimed != 0, "interrupt \(sum) was not claimed")
    }
    try expectEqual(ring.dropped, 0, "dropped")
    say("received \(sum)")
  }

  private static func keepOnly(_ group: gid_t) throws {
    var groups: [gid_t] = [group]
    try expectEqual(setgroups(1, &groups), 0, "setgroups")
    try expectEqual(setgid(65534), 0, "setgid")
    try expectEqual(setuid(65534), 0, "setuid")
  }

  /// SOCKET VECTOR GROUP COUNT: reads so many messages of a vector from its ring, one at a time, with the
  /// rights of one group only; all of them are claimed, or those count that are.
  private static func messages(_ arguments: [String], areAllClaimed: Bool) throws {
    let (socket, vector) = (arguments[0], arguments[1])
    guard let group = UInt32(arguments[2]), let count = UInt64(arguments[3]) else {
      throw Failure(description: "not a number")
    }
    try keepOnly(group)
    // pci-0000:01:00.0/msix2
    let address = vector.dropFirst(4).prefix { $0 != "/" }
    let node = try Guest.groupNode(String(address))
    try expect(Glibc.open(node, O_RDWR) < 0, "has rights to \(node)")
    let client = try VarlinkClient(socket, timeout: .seconds(60))
    let ring = try Ring(client, vector)
    say("subscribed")
    var (sum, claims): (UInt64, UInt64) = (0, 0)
    while (areAllClaimed ? sum : claims) < count {
      let entry = try ring.next()
      sum += entry.count
      claims += entry.claimed != 0 ? 1 : 0
      try expectEqual(entry.total, sum, "the total")
      try expect(entry.claimed != 0 || !areAllClaimed, "message \(sum) was not claimed")
    }
    try expectEqual(ring.dropped, 0, "dropped")
    say("received \(sum), \(claims) claimed")
  }

  /// SOCKET DEVICE NUMBER COUNT: transactions whose results show whether another caller came between
  /// their operations. Every eighth raises an interrupt. Requests and answers are handled as text, so
  /// that the guest's time goes to the daemon, and several are under way at once, so that the daemon
  /// always has one of each client.
  private static func transact(_ arguments: [String]) throws {
    let (socket, device) = (arguments[0], arguments[1])
    guard let number = UInt32(arguments[2]), let count = Int(arguments[3]) else {
      throw Failure(description: "not a number")
    }
    let client = try VarlinkClient(socket, timeout: .seconds(60))
    func value(_ round: Int) -> UInt32 { number << 28 | UInt32(round) & 0xffffff }
    func call(_ round: Int) -> String {
      func write(_ offset: Int, _ value: UInt32) -> String {
        #"{"operation":"write","register":"bar0:\#(offset)","value":\#(value)}"#
      }
      let read = #"{"operation":"read","register":"bar0:4"}"#
      let between = round % 8 == 0 ? write(Edu.raise, 1 << number) : read
      return #"{"method":"io.interruptsync.Transact","parameters":{"device":"\#(device)","#
        + #""operations":[\#(write(4, value(round))),\#(between),\#(read)]}}"# + "\0"
    }
    func reply(_ round: Int) -> String {
      let (value, held) = (value(round), ~value(round))
      let between = round % 8 == 0 ? 1 << number : held
      return #"{"parameters":{"results":[\#(value),\#(between),\#(held)]}}"# + "\0"
    }
    let batch = 16
    var wanted: [UInt8] = []
    for round in stride(from: 0, to: count, by: batch) {
      let rounds = round..<min(round + batch, count)
      try send(rounds.map(call).joined(), to: client.socket)
      // Reads the answers to the previous batch while the daemon has this one.
      try expectAnswer(wanted, from: client.socket, "the answers before transaction \(round)")
      wanted = Array(rounds.map(reply).joined().utf8)
    }
    try expectAnswer(wanted, from: client.socket, "the last answers")
    say("done \(count)")
  }

  private static func send(_ text: String, to socket: FileDescriptor) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes { Glibc.write(socket.raw, $0.baseAddress, $0.count) }
      if sent < 0, errno == EAGAIN {
        try untilReady(socket, POLLOUT)
      } else {
        try expect(sent > 0, "write: \(Errno.name(errno))")
        bytes = bytes.dropFirst(sent)
      }
    }
  }

  private static func expectAnswer(
    _ wanted: [UInt8], from socket: FileDescriptor, _ what: String
  ) throws {
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 65536)
    while bytes.count < wanted.count {
      let received = read(socket.raw, &room, wanted.count - bytes.count)
      if received < 0, errno == EAGAIN {
        try untilReady(socket, POLLIN)
      } else {
        try expect(received > 0, "\(what): the daemon ended the connection")
        bytes += room.prefix(received)
      }
    }
    try expect(
      bytes == wanted,
      "\(what): \(String(decoding: bytes, as: UTF8.self)), expected "
        + String(decoding: wanted, as: UTF8.self))
  }

  private static func untilReady(_ socket: FileDescriptor, _ events: Int32) throws {
    var entry = pollfd(fd: socket.raw, events: Int16(events), revents: 0)
    try expectEqual(poll(&entry, 1, 60_000), 1, "waiting for the daemon")
  }

  /// SOCKET DEVICE: services the line until the case kills it, and each time raises the next interrupt.
  private static func attach(_ arguments: [String]) throws {
    let (socket, device) = (arguments[0], arguments[1])
    let client = try VarlinkClient(socket, timeout: .seconds(60))
    let event = try client.ask("Attach", ["device": .string(device)]).descriptors[0]
    say("attached")
    try client.transact(device, [Operation.write(Edu.raise, 1)])
    for count in 1... {
      let result = cuio_wait(event.raw, -1, 60_000, false)
      try expectEqual(result, Int32(CUIO_WAIT_READABLE), "waiting for interrupt \(count)")
      _ = linux_wake_pair_drain(event.raw)
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
