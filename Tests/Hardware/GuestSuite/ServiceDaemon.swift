// A daemon with its own files and socket, and the calls that cases make as its clients. The daemon is a
// process; the calls run on the suite's one thread.
import CUIO
import Glibc
import LinuxSystem
import Varlink

/// A daemon that ends with its last reference, even when the case fails.
final class ServiceDaemon {
  let socket: String
  let program: Program
  private let root: String
  private var hasEnded = false
  private nonisolated(unsafe) static var number = 0

  /// - Parameter files: below `/etc/interruptsync`.
  init(_ files: [String: String]) throws {
    ServiceDaemon.number += 1
    root = "/tmp/service-\(ServiceDaemon.number)"
    socket = "\(root)/socket"
    try Self.write(
      files.merging(["interruptsyncd.conf": "[Daemon]\n"]) { given, _ in given }, below: root)
    program = try Program(["--config-root", root, "--listen", socket])
    try Guest.waitFor("the daemon to listen; it says: \(program.text)") { [socket] in
      (try? VarlinkClient(socket, timeout: .seconds(20))) != nil
    }
  }

  private static func write(_ files: [String: String], below root: String) throws {
    for (name, text) in files { try Guest.create(text, at: "\(root)/etc/interruptsync/\(name)") }
  }

  /// Replaces files, for a reload.
  func write(_ files: [String: String]) throws { try Self.write(files, below: root) }

  deinit {
    guard !hasEnded else { return }
    program.send(SIGKILL)
    _ = program.wait()
  }

  func client() throws -> VarlinkClient { try VarlinkClient(socket, timeout: .seconds(60)) }

  /// Ends the daemon and expects exit status 0.
  func end() throws {
    hasEnded = true
    program.send(SIGTERM)
    try expectEqual(
      program.wait(), 0, "the daemon's exit status; it says: \(program.text.suffix(2000))")
  }
}

extension VarlinkClient {
  @discardableResult
  func ask(_ method: String, _ parameters: JSONObject = [:]) throws -> VarlinkReply {
    try call("io.interruptsync.\(method)", parameters)
  }

  /// The name of the error that a method answers, without the interface; "" when it succeeds.
  func refusal(_ method: String, _ parameters: JSONObject) -> String {
    do {
      _ = try call("io.interruptsync.\(method)", parameters)
      return ""
    } catch { return String(error.reply?.name.split(separator: ".").last ?? "\(error)") }
  }

  func state(_ device: String) -> String {
    let reply = try? call("io.interruptsync.DescribeDevice", ["device": .string(device)])
    return reply?.parameters["device"]?.object?["state"]?.string ?? ""
  }

  func interrupts(_ device: String) throws -> UInt64? { try statistic("interrupts", device) }
  func claimed(_ device: String) throws -> UInt64? { try statistic("claimed", device) }

  func statistic(_ name: String, _ device: String) throws -> UInt64? {
    let reply = try ask("GetStatistics", ["device": .string(device)])
    return reply.parameters["statistics"]?.array?.first?.object?[name]?.uint64
  }

  /// Runs one transaction and returns its results.
  @discardableResult
  func transact(_ device: String, _ operations: [JSON]) throws -> [UInt64] {
    let reply = try ask("Transact", ["device": .string(device), "operations": .array(operations)])
    return (reply.parameters["results"]?.array ?? []).compactMap(\.uint64)
  }
}

/// Operations of a transaction on edu's registers.
enum Operation {
  static func read(_ offset: Int) -> JSON {
    ["operation": "read", "register": .string("bar0:\(offset)/32")]
  }

  static func write(_ offset: Int, _ value: UInt32) -> JSON {
    [
      "operation": "write", "register": .string("bar0:\(offset)/32"),
      "value": .integer(Int64(value)),
    ]
  }
}

/// A subscription's ring, read in this process.
final class Ring {
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let size: Int
  private let memory: FileDescriptor
  private let event: FileDescriptor

  init(_ client: VarlinkClient, _ device: String, capacity: Int = 1024) throws {
    let reply = try client.ask(
      "Subscribe", ["device": .string(device), "capacity": .integer(Int64(capacity))])
    try expectEqual(reply.descriptors.count, 2, "descriptors")
    (memory, event) = (reply.descriptors[0], reply.descriptors[1])
    size = Int(cuio_ring_size(UInt64(capacity)))
    var address: UnsafeMutableRawPointer?
    try expectEqual(cuio_map(memory.raw, 0, size, true, &address), 0, "mapping the ring")
    guard let address else { throw Failure(description: "no address") }
    page = address.assumingMemoryBound(to: cuio_ring_page.self)
    try expect(cuio_ring_is_valid(page, UInt64(size)), "the ring is not of this version")
  }

  deinit { _ = cuio_unmap(page, size) }

  var dropped: UInt64 { cuio_ring_dropped(page) }

  /// Waits for the next event. Fails when the daemon has ended the ring, or has ended itself.
  func next() throws -> cuio_ring_entry {
    var entry = cuio_ring_entry()
    while !cuio_ring_take(page, cuio_ring_entries(page), page.pointee.capacity - 1, &entry) {
      if cuio_ring_sleep(page) { continue }
      try expect(!cuio_ring_has_ended(page) && !isCutOff, "the ring has ended")
      let result = cuio_wait(event.raw, -1, 60_000, false)
      try expectEqual(result, Int32(CUIO_WAIT_READABLE), "waiting for an event")
      _ = linux_wake_pair_drain(event.raw)
    }
    return entry
  }

  /// Whether the daemon's end is closed, which poll reports unasked.
  private var isCutOff: Bool {
    var end = pollfd(fd: event.raw, events: 0, revents: 0)
    return poll(&end, 1, 0) > 0
  }
}
