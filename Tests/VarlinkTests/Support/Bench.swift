import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// A server and its clients on one thread: nothing happens but in `settle`, so that every test sees
/// the same order of events.
final class Bench {
  let loop: EventLoop
  let server: VarlinkServer
  /// The server's quota reads this clock.
  let clock = QuotaClock()
  private(set) var notices: [ServerNotice] = []
  private(set) var faults: [String] = []

  static let description = """
    # For tests.
    interface org.example.bench

    type Place (x: int, y: ?int)

    method Echo(text: string, place: ?Place, list: ?[]string) -> (text: string)
    # Answered when the test says so.
    method Later(text: ?string) -> (text: string)
    method Count(to: int) -> (number: int)
    method Watch() -> (number: int)
    method Swap(first: int, second: ?int) -> (inodes: []int, file: int)
    method Refuse(why: string, hint: ?string) -> ()
    method Unanswered() -> ()
    method Forgotten() -> ()
    method Big(bytes: int) -> (text: string)
    # Uses the processor, as the clock of the bench counts it.
    method Spin(microseconds: int) -> ()

    error Refused (why: string, hint: ?string)
    """

  /// Calls that wait, in order.
  var waiting: [VarlinkCall] = []
  /// Texts that Echo was called with.
  var echoed: [String] = []
  /// Calls of Spin so far.
  private(set) var spun = 0

  init(
    limits: ServerLimits = ServerLimits(), share: Double = 1, closer: DescriptorCloser? = nil
  ) throws {
    loop = try EventLoop()
    server = try VarlinkServer(
      loop: loop,
      identity: ServiceIdentity(
        vendor: "Example", product: "Bench", version: "1", url: "https://example.org"),
      limits: limits, quota: CPUQuota(on: loop, share: share, clock: clock.clock),
      closer: closer)
    server.observe = { [unowned self] in notices.append($0) }
    server.replyCheck = { [unowned self] in faults.append($0) }
    server.add(try InterfaceDescription(Self.description))
    addMethods()
  }

  private func addMethods() {
    let prefix = "org.example.bench."
    server.handle(prefix + "Echo") { [unowned self] call in
      let text = call.parameters["text"]?.string ?? ""
      echoed.append(text)
      call.reply(["text": .string(text)])
    }
    server.handle(prefix + "Later") { [unowned self] call in waiting.append(call) }
    server.handle(prefix + "Watch", streaming: .required) { [unowned self] call in
      waiting.append(call)
    }
    server.handle(prefix + "Count", streaming: .allowed) { call in
      let last = call.parameters["to"]?.int64 ?? 0
      guard call.wantsMore else { return call.reply(["number": .integer(last)]) }
      for number in 1..<max(last, 1) { _ = call.send(["number": .integer(number)]) }
      call.reply(["number": .integer(last)])
    }
    server.handle(prefix + "Swap", descriptors: ["first", "second"]) { call in
      let files = ["first", "second"].compactMap { call.descriptor($0) }
      call.reply(
        ["inodes": .array(files.map { JSON(inode($0)) }), "file": 0],
        descriptors: files.first.map { [$0] } ?? [])
    }
    server.handle(prefix + "Refuse") { call throws(ErrorReply) in
      var parameters: JSONObject = ["why": call.parameters["why"] ?? .null]
      if let hint = call.parameters["hint"] { parameters["hint"] = hint }
      throw ErrorReply(prefix + "Refused", parameters)
    }
    server.handle(prefix + "Unanswered") { _ in }
    server.handle(prefix + "Spin") { [unowned self] call in
      clock.use(UInt64(call.parameters["microseconds"]?.int64 ?? 0) * 1000)
      spun += 1
      call.reply()
    }
    server.handle(prefix + "Big") { call in
      let count = Int(call.parameters["bytes"]?.int64 ?? 0)
      call.reply(["text": .string(String(repeating: "x", count: count))])
    }
  }

  /// A new client's end.
  /// - Parameter early: what the client does before its connection is taken.
  func client(_ early: (FileDescriptor) throws -> Void = { _ in }) throws -> BenchClient {
    let (raw, theirs) = try rawSocketPair()
    let ours = FileDescriptor(adopting: raw)
    try early(ours)
    server.adopt(theirs)
    return BenchClient(ours)
  }

  /// Lets the server do all there is to do.
  func settle() throws {
    for _ in 0..<100_000 { if try loop.turn(milliseconds: 0) == 0 { return } }
    Issue.record("the loop turns forever")
  }

  /// The same, and skips the times for which the quota makes users wait.
  func settleAll() throws {
    repeat { try settle() } while clock.skipToAlarm()
  }

  /// The same, until every client that is gone is noticed. A program that another test starts has their
  /// descriptors until it is executed.
  func settleUntilLeft() throws {
    try eventually("every client to have left") {
      (try? settle()) != nil && server.places.isEmpty
    }
  }

  /// One call by a client of its own, and what comes back.
  func exchange(_ messages: String...) throws -> BenchClient.Taken {
    let client = try client()
    for message in messages { try client.socket.put(message + "\0") }
    try settle()
    return try client.take()
  }
}

/// A client that sends what it likes.
final class BenchClient {
  let socket: FileDescriptor
  private var reader = MessageReader(limits: WireLimits(messageBytes: 64 << 20, descriptors: 253))

  struct Taken {
    var replies: [JSON] = []
    var descriptors: [FileDescriptor] = []
    var isClosed = false
  }

  init(_ socket: FileDescriptor) { self.socket = socket }

  /// Everything that has come.
  func take() throws -> Taken {
    var taken = Taken()
    while true {
      let outcome: MessageReader.Outcome
      do throws(WireFailure) {
        outcome = try reader.next(from: socket)
      } catch {
        guard error == .system(ECONNRESET) else { throw error }
        outcome = .end
      }
      switch outcome {
      case .message(let message):
        taken.replies.append(try JSONParser.parse(message.bytes))
        taken.descriptors += message.descriptors
      case .nothing: return taken
      case .end:
        taken.isClosed = true
        return taken
      }
    }
  }
}
