import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

private func messages(
  _ reader: inout MessageReader, _ socket: FileDescriptor
) throws -> [Message] {
  var messages: [Message] = []
  while case .message(let message) = try reader.next(from: socket) { messages.append(message) }
  return messages
}

@Test func messagesMayBeSplitAndBatchedInAnyWay() throws {
  var random = SeededGenerator(for: #function)
  for _ in 0..<50 {
    let sent: [[UInt8]] = (0..<Int.random(in: 1..<20, using: &random)).map { _ in
      (0..<Int.random(in: 0..<300, using: &random)).map { _ in
        UInt8.random(in: 1...255, using: &random)
      }
    }
    let (ours, theirs) = try socketPair()
    var reader = MessageReader(limits: WireLimits())
    var received: [[UInt8]] = []
    var rest: [UInt8] = []
    for message in sent { rest += message + [0] }
    while !rest.isEmpty {
      let piece = Int.random(in: 1...min(rest.count, 700), using: &random)
      try ours.put(Array(rest.prefix(piece)))
      rest.removeFirst(piece)
      if Bool.random(using: &random) {
        received += try messages(&reader, theirs).map(\.bytes)
      }
    }
    received += try messages(&reader, theirs).map(\.bytes)
    #expect(received == sent)
    #expect(!reader.isInsideMessage)
  }
}

@Test func whatFollowsAMessageStaysInTheKernel() throws {
  let (ours, theirs) = try socketPair()
  var reader = MessageReader(limits: WireLimits())
  try ours.put("one\0other protocol")
  guard case .message(let message) = try reader.next(from: theirs) else {
    Issue.record("no message")
    return
  }
  #expect(message.bytes == Array("one".utf8))
  var bytes = [UInt8](repeating: 0, count: 100)
  #expect(recv(theirs.raw, &bytes, bytes.count, 0) == 14)
}

@Test func severalMessagesAreTakenAtOnceAndNoneMoreThanAreWanted() throws {
  let (ours, theirs) = try socketPair()
  var reader = MessageReader(limits: WireLimits())
  try ours.put("one\0two\0\0four\0five")
  var texts: [String] = []
  for _ in 0..<3 {
    guard case .message(let message) = try reader.next(from: theirs, most: 3) else { break }
    texts.append(String(decoding: message.bytes, as: UTF8.self))
    #expect(reader.hasMessage == (texts.count < 3))
  }
  #expect(texts == ["one", "two", ""])
  #expect(!reader.hasDrained && !reader.isInsideMessage)
  var bytes = [UInt8](repeating: 0, count: 100)
  #expect(recv(theirs.raw, &bytes, bytes.count, 0) == 9)
}

@Test func messagesTakenAtOnceKeepTheirLimitsAndTheirDescriptors() throws {
  var random = SeededGenerator(for: #function)
  for _ in 0..<repetitions(200) {
    let (ours, theirs) = try socketPair()
    var reader = MessageReader(limits: WireLimits(messageBytes: 50))
    var writer = MessageWriter()
    var (sent, files): ([[UInt8]], [[UInt64]]) = ([], [])
    for _ in 0..<Int.random(in: 1..<30, using: &random) {
      let carried = Int.random(in: 0..<5, using: &random) == 0 ? [try pipeEnds().0] : []
      // One of 51 bytes is too long, wherever it is in what was taken.
      let isLong = Int.random(in: 0..<100, using: &random) == 0
      let count = isLong ? 51 : Int.random(in: 0...50, using: &random)
      sent.append((0..<count).map { _ in UInt8.random(in: 1...255, using: &random) })
      files.append(carried.map(inode))
      writer.add(Message(bytes: sent[sent.count - 1], descriptors: carried))
      if Bool.random(using: &random) { try writer.flush(to: ours) }
    }
    try writer.flush(to: ours)
    let good = sent.firstIndex { $0.count > 50 } ?? sent.count
    var received: [Message] = []
    let most = Int.random(in: 1...40, using: &random)
    do throws(WireFailure) {
      while case .message(let message) = try reader.next(from: theirs, most: most) {
        received.append(message)
      }
      #expect(good == sent.count)
    } catch { #expect(error == .tooLong(limit: 50) && good < sent.count) }
    #expect(received.map(\.bytes) == Array(sent[..<good]))
    #expect(received.map { $0.descriptors.map(inode) } == Array(files[..<good]))
  }
}

@Test(arguments: [1, 100, 16383, 16384, 16385, 40000])
func aMessageMayBeAsLongAsTheLimitAndNoLonger(limit: Int) throws {
  for (count, isTaken) in [(limit, true), (limit + 1, false)] {
    let (ours, theirs) = try socketPair()
    var reader = MessageReader(limits: WireLimits(messageBytes: limit))
    try ours.put([UInt8](repeating: 0x41, count: count) + [0])
    if isTaken {
      #expect(try messages(&reader, theirs).map(\.bytes.count) == [limit])
    } else {
      #expect(throws: WireFailure.tooLong(limit: limit)) { try messages(&reader, theirs) }
    }
  }
}

@Test func aMessageWithoutAnEndIsRefusedAtTheLimit() throws {
  let (ours, theirs) = try socketPair()
  var reader = MessageReader(limits: WireLimits(messageBytes: 1000))
  try ours.put([UInt8](repeating: 0x41, count: 1001))
  #expect(throws: WireFailure.tooLong(limit: 1000)) { try messages(&reader, theirs) }
  #expect(!reader.isInsideMessage)
}

@Test func theEndInsideAMessageIsAnError() throws {
  let (ours, theirs) = try socketPair()
  var reader = MessageReader(limits: WireLimits())
  try ours.put("{}\0half")
  shutdown(ours.raw, Int32(SHUT_WR))
  guard case .message = try reader.next(from: theirs) else {
    Issue.record("no message")
    return
  }
  #expect(throws: WireFailure.cutShort) { try reader.next(from: theirs) }
}

@Test func descriptorsComeWithTheirOwnMessage() throws {
  let (ours, theirs) = try socketPair()
  var files: [UInt64] = []
  var writer = MessageWriter()
  for number in 0..<6 {
    let sent = try (0..<(number % 3)).map { _ in try pipeEnds().0 }
    files += sent.map(inode)
    writer.add(Message(bytes: Array("m\(number)".utf8), descriptors: sent))
  }
  // All of them wait in the socket before the first is read.
  try writer.flush(to: ours)
  #expect(writer.isEmpty)
  var reader = MessageReader(limits: WireLimits())
  let received = try messages(&reader, theirs)
  #expect(received.map { String(decoding: $0.bytes, as: UTF8.self) } == (0..<6).map { "m\($0)" })
  #expect(received.map(\.descriptors.count) == [0, 1, 2, 0, 1, 2])
  #expect(received.flatMap(\.descriptors).map(inode) == files)
  for file in received.flatMap(\.descriptors) {
    #expect(fcntl(file.raw, F_GETFD) & FD_CLOEXEC != 0)
  }
}

@Test func tooManyDescriptorsAreRefusedAndClosed() throws {
  for (pieces, each) in [(1, 5), (5, 1), (2, 3), (1, 253)] {
    let (ours, theirs) = try socketPair()
    var reader = MessageReader(limits: WireLimits(descriptors: 4))
    let canaries = try (0..<pieces).map { _ in
      try Canary.send(each, with: [0x41], over: ours)
    }
    try ours.put([0])
    #expect(canaries.allSatisfy { $0.isAlive })
    #expect(throws: WireFailure.tooManyDescriptors(limit: 4)) { try messages(&reader, theirs) }
    // Pieces behind the refused one are closed with the socket.
    withExtendedLifetime(reader) {
      #expect(!canaries[0].isAlive)
    }
  }
}

@Test func descriptorsOfAnUnreadMessageAreClosedWithTheSocket() throws {
  let canary: Canary
  do {
    let (ours, theirs) = try socketPair()
    canary = try Canary.send(with: Array("{}".utf8) + [0], over: ours)
    #expect(canary.isAlive)
    withExtendedLifetime(theirs) {}
  }
  #expect(!canary.isAlive)
}

@Test func aFullSocketKeepsTheRestInOrder() throws {
  let (ours, theirs) = try socketPair()
  _ = linux_set_nonblocking(ours.raw)
  var writer = MessageWriter()
  let file = try pipeEnds().0
  for number in 0..<400 {
    writer.add(
      Message(
        bytes: Array("\(number) ".utf8) + [UInt8](repeating: 0x41, count: 5000),
        descriptors: number == 399 ? [file] : []))
  }
  try writer.flush(to: ours)
  #expect(!writer.isEmpty)
  var reader = MessageReader(limits: WireLimits())
  var received: [Message] = []
  while received.count < 400 {
    received += try messages(&reader, theirs)
    try writer.flush(to: ours)
  }
  #expect(writer.isEmpty && writer.waitingBytes == 0)
  #expect(
    received.map { String(decoding: $0.bytes.prefix { $0 != 0x20 }, as: UTF8.self) }
      == (0..<400).map(String.init))
  #expect(received.last.map { $0.descriptors.map(inode) } == [inode(file)])
}

@Test func credentialsAreTheKernels() throws {
  let (ours, theirs) = try socketPair()
  let peer = try #require(PeerCredentials(of: theirs.raw))
  #expect(peer.user == getuid() && peer.group == getgid() && peer.process == getpid())
  var groups = [gid_t](repeating: 0, count: 65536)
  let count = getgroups(Int32(groups.count), &groups)
  #expect(Set(peer.supplementaryGroups) == Set(groups.prefix(Int(count))))
  #expect(peer.isMember(of: getgid()))
  #expect(!peer.isMember(of: 4_000_000_000))
  let pipe = try pipeEnds()
  #expect(PeerCredentials(of: pipe.0.raw) == nil)
  withExtendedLifetime(ours) {}
}

@Test(arguments: [
  ("/run/a/b", "/run/a/b", false), ("./b", "./b", false), ("a/b", "a/b", false),
  ("unix:/run/x", "/run/x", false), ("unix:x", "x", false), ("unix:@name", "name", true),
  ("unix:/x;mode=0600", "/x", false), ("/a:b", "/a:b", false),
])
func addressesAreRead(text: String, name: String, isAbstract: Bool) throws {
  let address = try SocketAddress(text)
  #expect(address.name == name && address.isAbstract == isAbstract)
}

@Test(arguments: [
  "", "unix:", "unix:@", "unix:;x", "tcp:127.0.0.1:1", "name", "exec:/bin/x", "unix:a\0b",
])
func whatIsNoAddressSaysWhatIs(text: String) throws {
  let error = try #require(throws: VarlinkError.self) { try SocketAddress(text) }
  #expect(error.code == .malformedAddress && error.object == text)
  #expect(error.hint.contains("unix:@NAME"))
}
