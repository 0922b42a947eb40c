// The event loop: one epoll with descriptors, timers and mailboxes. Floor 1. The daemon's Service
// makes one for the control thread, where the daemon's rooms and Varlink's server watch;
// HostNotices makes one for the thread `vfio notices`. Only the thread that makes it uses and runs
// it, at PASSIVE_LEVEL: no lock. Only a mailbox's posting end is shared between threads.
import CLinuxSystem
import Glibc

/// The ways in which a descriptor is ready.
package struct Readiness: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let readable = Readiness(rawValue: 1)
  package static let writable = Readiness(rawValue: 2)
  /// Both directions are closed, or an error waits. Reported whether asked for or not.
  package static let hungUp = Readiness(rawValue: 4)

  package init(readable: Bool, writable: Bool, hungUp: Bool = false) {
    rawValue = (readable ? 1 : 0) | (writable ? 2 : 0) | (hungUp ? 4 : 0)
  }
}

/// Calls handlers when descriptors are ready, when times come and when messages are posted. Made,
/// used and run by one thread.
package final class EventLoop {
  /// Names one registration and never another: an event that was under way when its descriptor was
  /// removed reaches no handler, even when the number is in use again.
  package struct Watch: Hashable, Sendable { fileprivate let number: UInt64 }

  package typealias Handler = (Readiness) -> Void

  private struct Watched {
    let descriptor: FileDescriptor
    let handler: Handler
  }

  private let epoll: FileDescriptor
  private var watched: [UInt64: Watched] = [:]
  private var lastNumber: UInt64 = 0
  private var mustStop = false
  /// Room for what comes in a turn; empty during one.
  private var room: [linux_event] = []
  private static let most = 64
  let timers: TimerQueue

  /// - Throws: `SystemError`: EMFILE, ENFILE or ENOMEM.
  package init() throws(SystemError) {
    epoll = try Self.descriptor(linux_epoll_create(), "make an event loop")
    timers = TimerQueue(try Self.descriptor(linux_timer_create(0), "make a timer"))
    let timers = timers
    try watch(timers.descriptor, for: .readable) { _ in timers.fire() }
  }

  static func descriptor(_ raw: Int32, _ operation: String) throws(SystemError) -> FileDescriptor {
    guard raw >= 0 else { throw failure(raw, operation) }
    return FileDescriptor(adopting: raw)
  }

  private static func failure(_ result: Int32, _ operation: String) -> SystemError {
    SystemError(-result, operation)
  }

  /// Calls `handler` on the loop's thread whenever the descriptor is ready (level-triggered). The
  /// loop keeps both until `unwatch`.
  /// - Throws: `SystemError`: EMFILE, ENFILE, ENOMEM, or EPERM for what epoll does not take (regular files).
  @discardableResult
  package func watch(
    _ descriptor: FileDescriptor, for readiness: Readiness, _ handler: @escaping Handler
  ) throws(SystemError) -> Watch {
    lastNumber += 1
    let result = linux_epoll_add(
      epoll.raw, descriptor.raw, readiness.contains(.readable), readiness.contains(.writable),
      lastNumber)
    guard result == 0 else { throw Self.failure(result, "watch a descriptor") }
    watched[lastNumber] = Watched(descriptor: descriptor, handler: handler)
    return Watch(number: lastNumber)
  }

  /// Changes what is waited for; with nothing, only a hang-up is reported.
  package func change(_ watch: Watch, to readiness: Readiness) {
    guard let entry = watched[watch.number] else { return }
    _ = linux_epoll_modify(
      epoll.raw, entry.descriptor.raw, readiness.contains(.readable),
      readiness.contains(.writable), watch.number)
  }

  /// Ends a registration at once; inside a handler, too.
  package func unwatch(_ watch: Watch) {
    guard let entry = watched.removeValue(forKey: watch.number) else { return }
    _ = linux_epoll_remove(epoll.raw, entry.descriptor.raw)
  }

  /// Waits once, at most as long as given (nil: without end), and calls the handlers of what came.
  /// - Returns: how much came.
  /// - Throws: `SystemError`.
  @discardableResult
  package func turn(milliseconds: Int32? = nil) throws(SystemError) -> Int {
    var events: [linux_event] = []
    swap(&events, &room)
    if events.isEmpty { events = Array(repeating: linux_event(), count: Self.most) }
    defer { room = events }
    let count = unsafe events.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return -EINVAL }
      return unsafe linux_epoll_wait(epoll.raw, start, Int32(buffer.count), milliseconds ?? -1)
    }
    guard count >= 0 else { throw Self.failure(count, "wait for events") }
    for event in events.prefix(Int(count)) {
      guard let entry = watched[event.token] else { continue }
      entry.handler(
        Readiness(
          readable: event.is_readable != 0, writable: event.is_writable != 0,
          hungUp: event.is_hung_up != 0))
    }
    return Int(count)
  }

  /// Turns until `stop()`.
  /// - Throws: `SystemError`.
  package func run() throws(SystemError) {
    while !mustStop { try turn() }
    mustStop = false
  }

  /// Lets `run()` return after this turn. On the loop's thread; from others, through a mailbox.
  package func stop() { mustStop = true }

  // MARK: Timers

  /// Nanoseconds of CLOCK_MONOTONIC.
  package static var now: UInt64 { TimerQueue.now }

  /// Calls `body` on the loop's thread after a time, and again and again when it repeats. Turns
  /// that were missed are not made up for.
  @discardableResult
  package func after(
    _ delay: Duration, repeats: Bool = false, _ body: @escaping () -> Void
  ) -> LoopTimer {
    timers.add(delay, repeats: repeats, body)
  }

  /// Takes a timer back; inside its own body, too.
  package func cancel(_ timer: LoopTimer) { timers.remove(timer) }
}
