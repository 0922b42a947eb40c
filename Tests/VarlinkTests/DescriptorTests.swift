// Descriptors in calls and replies.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

private func swap(_ parameters: String) -> [UInt8] {
  Array("{\"method\":\"org.example.bench.Swap\",\"parameters\":\(parameters)}".utf8)
}

private func exchange(
  _ bench: Bench, _ bytes: [UInt8], _ files: [FileDescriptor]
) throws -> BenchClient.Taken {
  let client = try bench.client()
  var writer = MessageWriter()
  writer.add(Message(bytes: bytes, descriptors: files))
  try writer.flush(to: client.socket)
  try bench.settle()
  return try client.take()
}

@Test func descriptorsTravelBothWays() throws {
  let bench = try Bench()
  let files = try [pipeEnds().0, pipeEnds().0]
  let one = try exchange(bench, swap(#"{"first":0}"#), [files[1]])
  #expect(one.replies == [["parameters": ["inodes": .array([JSON(inode(files[1]))]), "file": 0]]])
  #expect(one.descriptors.map(inode) == [inode(files[1])])
  // The parameters' numbers count, and not their order.
  let two = try exchange(bench, swap(#"{"first":1,"second":0}"#), files)
  #expect(two.descriptors.map(inode) == [inode(files[1])])
  #expect(
    two.replies.first?.object?["parameters"]?.object?["inodes"]
      == .array([JSON(inode(files[1])), JSON(inode(files[0]))]))
}

@Test(arguments: [
  (#"{"first":0}"#, 0, "first"), (#"{"first":1}"#, 1, "first"), (#"{"first":-1}"#, 1, "first"),
  (#"{"first":18446744073709551615}"#, 1, "first"), (#"{"first":0}"#, 2, "second"),
  (#"{"first":0,"second":0}"#, 1, "second"), (#"{"first":0,"second":0}"#, 2, "second"),
  (#"{"first":0,"second":2}"#, 2, "second"), (#"{"first":0,"second":1}"#, 3, "second"),
])
func aWrongNumberOfDescriptorsIsAnInvalidParameter(
  parameters: String, count: Int, parameter: String
) throws {
  let bench = try Bench()
  let client = try bench.client()
  let canary = try Canary.send(count, with: swap(parameters) + [0], over: client.socket)
  try bench.settle()
  #expect(
    try client.take().replies == [
      [
        "error": "org.varlink.service.InvalidParameter",
        "parameters": ["parameter": .string(parameter)],
      ]
    ])
  // Refused, and closed while the connection goes on.
  #expect(canary.dies)
  #expect(!bench.server.places.isEmpty)
}

@Test(arguments: [
  #"{"method":"org.example.bench.Echo","parameters":{"text":"a"}}"#,
  #"{"method":"org.example.bench.Echo","parameters":{"text":"a"},"oneway":true}"#,
  #"{"method":"org.example.bench.None"}"#,
  #"{"method":"org.example.bench.Swap","parameters":{"first":7}}"#,
  #"{"method":"org.example.bench.Swap","parameters":{"first":0},"oneway":true}"#, #"{"method":1}"#,
  "x",
])
func descriptorsThatNobodyTakesAreClosed(call: String) throws {
  let bench = try Bench()
  let client = try bench.client()
  let canary = try Canary.send(with: Array(call.utf8) + [0], over: client.socket)
  #expect(canary.isAlive)
  try bench.settle()
  #expect(canary.dies)
}

@Test func moreDescriptorsThanTheLimitCloseTheConnection() throws {
  let bench = try Bench()
  let client = try bench.client()
  let canary = try Canary.send(17, with: swap(#"{"first":0}"#) + [0], over: client.socket)
  try bench.settle()
  #expect(try client.take().isClosed)
  #expect(canary.dies)
  #expect(bench.notices.first?.description.contains("more than 16 descriptors") == true)
}

@Test func aConnectionThatEndsInsideAMessageClosesItsDescriptors() throws {
  let bench = try Bench()
  var client: BenchClient? = try bench.client()
  let canary = try Canary.send(with: Array("{\"method\"".utf8), over: try #require(client).socket)
  try bench.settle()
  #expect(canary.isAlive)
  client = nil
  try bench.settleUntilLeft()
  #expect(canary.dies)
}

@Test func descriptorsOfAnUnsentReplyAreClosedWithTheConnection() throws {
  let bench = try Bench()
  var client: BenchClient? = try bench.client()
  try client?.socket.put(#"{"method":"org.example.bench.Later","more":true}"# + "\0")
  try bench.settle()
  let call = try #require(bench.waiting.first)
  // What does not fit into the socket keeps the next reply, and its descriptor, waiting.
  #expect(call.send(["text": .string(String(repeating: "x", count: 4 << 20))]) == .queued)
  let ear = try {
    let (ear, end) = try pipeEnds()
    call.reply(["text": "b"], descriptors: [end])
    return ear
  }()
  var byte: UInt8 = 0
  #expect(read(ear.raw, &byte, 1) < 0 && errno == EAGAIN)
  client = nil
  try bench.settleUntilLeft()
  #expect(read(ear.raw, &byte, 1) == 0)
}
