// Sockets by path and from outside.
import CLinuxSystem
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// A folder that goes with the test.
private final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/varlink-tests-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    for name in (try? FileDescriptor.list(path)) ?? [] { unlink(path + "/" + name) }
    rmdir(path)
  }
}

private func status(_ path: String) -> stat? {
  var status = stat()
  return lstat(path, &status) == 0 ? status : nil
}

private func connects(_ address: SocketAddress) -> Bool {
  (try? address.connect(milliseconds: 1000)) != nil
}

@Test func theNodeHasTheModeAskedForWhateverTheUmask() throws {
  let folder = try Folder()
  let path = folder.path + "/s"
  let old = umask(0o777)
  defer { umask(old) }
  for mode in [0o600, 0o664, 0o666] as [UInt32] {
    let bench = try Bench()
    try bench.server.listen(at: SocketAddress(path: path), mode: mode, group: getgid())
    #expect(status(path).map { $0.st_mode & 0o777 } == mode)
    #expect(status(path)?.st_gid == getgid())
    #expect(connects(SocketAddress(path: path)))
    bench.server.stop()
    #expect(status(path) == nil)
  }
}

@Test func anAbstractNameIsServedToo() throws {
  let bench = try Bench()
  let address = try SocketAddress("unix:@interruptsync-tests-\(getpid())")
  try bench.server.listen(at: address)
  #expect(connects(address))
  try bench.settleUntilLeft()
  let error = try #require(throws: VarlinkError.self) { try bench.server.listen(at: address) }
  #expect(error.code == .addressInUse)
}

@Test func aLeftOverNodeIsReplacedAndALiveOneIsNot() throws {
  let folder = try Folder()
  let address = SocketAddress(path: folder.path + "/s")
  // A service that ended without a trace but this.
  do {
    let socket = try SocketAddress.socket()
    #expect(address.withName { linux_bind(socket.raw, $0, $1, false, 0o600) } == 0)
  }
  #expect(status(address.name) != nil && !connects(address))
  let bench = try Bench()
  try bench.server.listen(at: address)
  #expect(connects(address))
  let second = try Bench()
  let error = try #require(throws: VarlinkError.self) { try second.server.listen(at: address) }
  #expect(error.code == .addressInUse && error.object == address.name)
  #expect(connects(address))
}

@Test func whatIsNoSocketIsLeftAlone() throws {
  let folder = try Folder()
  let path = folder.path + "/file"
  _ = try #require(fopen(path, "w")).self
  let bench = try Bench()
  let error = try #require(throws: VarlinkError.self) {
    try bench.server.listen(at: SocketAddress(path: path))
  }
  #expect(error.code == .addressInUse)
  #expect(status(path).map { $0.st_mode & S_IFMT } == S_IFREG)
  let nowhere = try #require(throws: VarlinkError.self) {
    try bench.server.listen(at: SocketAddress(path: folder.path + "/none/s"))
  }
  #expect(nowhere.code == .notFound)
}

@Test func aSocketThatWasHandedInIsServedAndItsNodeStays() throws {
  let folder = try Folder()
  let address = SocketAddress(path: folder.path + "/s")
  let socket = try SocketAddress.socket()
  #expect(address.withName { linux_bind(socket.raw, $0, $1, false, 0o600) } == 0)
  let bench = try Bench()
  let early = try #require(throws: VarlinkError.self) { try bench.server.listen(on: socket) }
  #expect(early.code == .notAListener && early.hint.contains("ListenStream="))
  #expect(listen(socket.raw, 8) == 0)
  try bench.server.listen(on: socket)
  let client = BenchClient(try address.connect(milliseconds: 1000))
  try client.socket.put(#"{"method":"org.example.bench.Echo","parameters":{"text":"a"}}"# + "\0")
  try bench.settle()
  #expect(try client.take().replies.count == 1)
  bench.server.stop()
  #expect(try client.take().isClosed)
  #expect(status(address.name) != nil)
}

@Test func whatDoesNotListenIsRefused() throws {
  let bench = try Bench()
  let pair = try socketPair()
  let datagrams = FileDescriptor(adopting: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
  for descriptor in [pair.0, try pipeEnds().0, datagrams] {
    let error = try #require(throws: VarlinkError.self) { try bench.server.listen(on: descriptor) }
    #expect(error.code == .notAListener)
  }
}

@Test func aConnectionThatCannotBeTurnedAwayWaitsUntilThereIsRoom() async throws {
  await #expect(processExitsWith: .success) {
    let folder = try Folder()
    let address = SocketAddress(path: folder.path + "/s")
    let bench = try Bench()
    try bench.server.listen(at: address)
    let client = BenchClient(try address.connect(milliseconds: 1000))
    try client.socket.put(#"{"method":"org.varlink.service.GetInfo"}"# + "\0")
    var limit = rlimit(rlim_cur: 256, rlim_max: 256)
    try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    bench.server.listeners.first?.reserve = nil
    var used: [FileDescriptor] = []
    while let file = try? FileDescriptor.open("/dev/null", O_RDONLY) { used.append(file) }
    // The loop does not turn forever meanwhile.
    try bench.settle()
    guard bench.server.places.isEmpty else { exit(3) }
    used = []
    while try client.take().replies.isEmpty { try bench.loop.turn() }
  }
}

@Test func outOfDescriptorsAClientIsTurnedAwayAndTheNextIsServed() async throws {
  // In a process of its own: the limit is everybody's.
  await #expect(processExitsWith: .success) {
    let folder = try Folder()
    let address = SocketAddress(path: folder.path + "/s")
    let bench = try Bench()
    try bench.server.listen(at: address)
    let first = BenchClient(try address.connect(milliseconds: 1000))
    let second = BenchClient(try address.connect(milliseconds: 1000))
    var limit = rlimit(rlim_cur: 256, rlim_max: 256)
    try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
    var used: [FileDescriptor] = []
    while let file = try? FileDescriptor.open("/dev/null", O_RDONLY) { used.append(file) }
    try bench.settle()
    guard bench.notices.count == 2, bench.server.places.isEmpty else { exit(3) }
    guard try first.take().isClosed, try second.take().isClosed else { exit(4) }
    used = []
    let third = BenchClient(try address.connect(milliseconds: 1000))
    try third.socket.put(#"{"method":"org.varlink.service.GetInfo"}"# + "\0")
    try bench.settle()
    guard try third.take().replies.count == 1 else { exit(5) }
  }
}
