// Floor 6. One connection to the daemon: calls, streams and waiting, with protocol errors
// translated into InterruptSyncClientError. Clients, streams, rings and attachments each own one,
// and call it on the thread of the program or of interruptsyncctl, which sleeps until the daemon
// answers. It has no lock and no thread of its own: only one thread at a time may use it.
import Glibc
import LinuxSystem
import Varlink

/// A connection to the daemon.
final class DaemonConnection {
  let client: VarlinkClient
  /// Of the daemon, for errors.
  let name: String

  init(_ place: DaemonPlace, timeout: Duration?) throws(InterruptSyncClientError) {
    name = place.name
    client = try place.connect(timeout: timeout)
  }

  /// - Parameters:
  ///   - method: without the interface's name.
  ///   - device: for errors; nil: the call is about the daemon.
  func call(
    _ method: String, _ parameters: JSONObject = [:], descriptors: [FileDescriptor] = [],
    device: String? = nil, operation: String
  ) throws(InterruptSyncClientError) -> (reader: ReplyReader, descriptors: [FileDescriptor]) {
    let object = device ?? name
    do throws(VarlinkError) {
      let reply = try client.call(
        "\(daemonInterface).\(method)", parameters, descriptors: descriptors)
      return (
        ReplyReader(reply.parameters, device: object, operation: operation), reply.descriptors
      )
    } catch {
      throw InterruptSyncClientError(error, object: object, operation: operation)
    }
  }

  func stream(
    _ method: String, _ parameters: JSONObject = [:], device: String? = nil, operation: String
  ) throws(InterruptSyncClientError) -> ReplyStream {
    let object = device ?? name
    do throws(VarlinkError) {
      let replies = try client.stream("\(daemonInterface).\(method)", parameters)
      return ReplyStream(replies, device: object, operation: operation)
    } catch {
      throw InterruptSyncClientError(error, object: object, operation: operation)
    }
  }

  func transact(
    _ device: String, _ operations: [RegisterOperation]
  ) throws(InterruptSyncClientError) -> [UInt64] {
    let reader = try call(
      "Transact",
      ["device": .string(device), "operations": .array(operations.map { .object($0.json) })],
      device: device, operation: "transact"
    ).reader
    let results = try reader.counts("results")
    guard results.count == operations.count else {
      throw reader.violation("\(results.count) results for \(operations.count) operations")
    }
    return results
  }
}

/// The replies of a method that sends more than one.
struct ReplyStream {
  private var replies: VarlinkReplies
  private let device: String
  private let operation: String

  init(_ replies: VarlinkReplies, device: String, operation: String) {
    self.replies = replies
    self.device = device
    self.operation = operation
  }

  /// - Parameter timeout: nil waits without limit.
  /// - Throws: `timedOut`, after which you may call it again, and what the method throws.
  mutating func next(timeout: Duration?) throws(InterruptSyncClientError) -> ReplyReader? {
    while true {
      do throws(VarlinkError) {
        guard let reply = try replies.next(timeout: timeout ?? .seconds(3600)) else { return nil }
        return ReplyReader(reply.parameters, device: device, operation: operation)
      } catch {
        if error.code == .timedOut, timeout == nil { continue }
        throw InterruptSyncClientError(error, object: device, operation: operation)
      }
    }
  }
}

// MARK: Waiting for an event of the daemon, or for the end of its connection

/// How a wait ended.
enum WaitOutcome {
  case signalled
  /// The daemon has closed the other end of the event: no signal will come any more.
  case ended
  /// The daemon has closed the connection.
  case hungUp
  case timedOut
}

/// The point in time at which a wait ends.
struct Deadline {
  private let end: UInt64?

  /// - Parameter timeout: nil is never.
  init(_ timeout: Duration?) {
    end = timeout.map { EventLoop.now + Swift.min($0.nanoseconds, UInt64(Int64.max) / 2) }
  }

  /// For poll(2), rounded up.
  var milliseconds: Int32 {
    guard let end else { return -1 }
    let now = EventLoop.now
    return end > now ? Int32(clamping: (end - now + 999_999) / 1_000_000) : 0
  }
}

extension DaemonConnection {
  /// Waits until `event` is signalled or the daemon closes the connection. When both have
  /// happened, the event counts.
  func wait(for event: FileDescriptor, until deadline: Deadline) -> WaitOutcome {
    while true {
      let readable = Int16(POLLIN)
      var entries = [
        pollfd(fd: event.raw, events: readable, revents: 0),
        // The daemon sends nothing without a call: a readable socket means that it hung up.
        pollfd(fd: client.socket.raw, events: readable, revents: 0),
      ]
      let result = unsafe poll(&entries, 2, deadline.milliseconds)
      if result == 0 { return .timedOut }
      if result < 0 {
        if errno == EINTR { continue }
        return .hungUp
      }
      // A signal that came before the end is of no use after it: `ended` says to look again, too.
      if entries[0].revents & ~readable != 0 { return .ended }
      if entries[0].revents != 0 { return .signalled }
      return .hungUp
    }
  }
}
