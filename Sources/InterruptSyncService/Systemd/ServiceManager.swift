// Systemd room. The notification protocol, sd_notify(3), and the environment that the service
// manager passes. `main` takes the environment before there is another thread, ServiceManagerBridge
// sends. One datagram is one message of VARIABLE=VALUE lines. The protocol is written here, as its
// description allows, because its library would be a dependency for a page of code. Control thread;
// no lock.
import CUIO
import Glibc
package import LinuxSystem

/// What a service manager passes to a process in its environment (sd_notify(3), sd_listen_fds(3),
/// sd_watchdog_enabled(3)).
package struct ServiceEnvironment: Sendable {
  /// Of the variables below and RUNTIME_DIRECTORY, those that are set.
  package var variables: [String: String]
  /// The process that the variables must be meant for.
  package var process: Int32
  /// Tells the process from earlier ones with its number; nil if the kernel does not say.
  package var processIdentity: UInt64?

  private static let names = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
  ]

  package init(
    _ variables: [String: String] = [:], process: Int32 = getpid(), processIdentity: UInt64? = nil
  ) {
    self.variables = variables
    self.process = process
    self.processIdentity = processIdentity
  }

  /// Reads the variables of this process and unsets them, so that no child takes them for its own.
  /// Call it before there are other threads: they may read the environment.
  package static func take() -> ServiceEnvironment {
    var environment = ServiceEnvironment()
    for name in names {
      guard let value = unsafe getenv(name) else { continue }
      environment.variables[name] = unsafe String(cString: value)
      _ = unsafe unsetenv(name)
    }
    environment.variables["RUNTIME_DIRECTORY"] =
      unsafe getenv("RUNTIME_DIRECTORY").map { unsafe String(cString: $0) }
    var identity: UInt64 = 0
    if unsafe linux_process_identity(&identity) == 0 { environment.processIdentity = identity }
    return environment
  }

  package var hasManager: Bool { variables["NOTIFY_SOCKET"] != nil }

  package subscript(name: String) -> String? { variables[name] }
}

/// The manager that started the daemon. Without one, every call does nothing.
///
/// No call but `finish` waits. PID 1 may be busy, and a message that it misses, such as READY=1,
/// would not be repeated: what finds no room is kept, and sent before what comes later.
package final class ServiceManager {
  private struct Message {
    let bytes: [UInt8]
    let descriptors: [FileDescriptor]
  }

  private let socket: DatagramSocket?
  private var lastStatus = ""
  private var waiting: [Message] = []
  /// Messages are kept up to this number.
  package static let mostWaiting = 512

  package init(_ environment: ServiceEnvironment) {
    socket = environment["NOTIFY_SOCKET"].flatMap { DatagramSocket(to: $0, timeout: 0) }
  }

  package var isPresent: Bool { socket != nil }

  /// Reports that start-up or a reload is complete.
  package func ready(_ status: String) {
    lastStatus = status
    send("READY=1", Self.status(status))
  }

  /// One line for people, sent if it changed.
  package func status(_ text: String) {
    guard text != lastStatus else { return }
    lastStatus = text
    send(Self.status(text))
  }

  /// Reports that a reload begins; `ready` ends it. The time, in nanoseconds of CLOCK_MONOTONIC,
  /// lets the manager tell this reload from the previous one.
  package func reloading(at now: UInt64 = linux_nanoseconds()) {
    send("RELOADING=1", "MONOTONIC_USEC=\(now / 1000)")
  }

  package func stopping(_ status: String) { send("STOPPING=1", Self.status(status)) }

  /// Reports why the daemon is about to exit.
  package func failed(_ status: String, errno: Int32) {
    send(Self.status(status), "ERRNO=\(errno)")
  }

  package func feedWatchdog() { send("WATCHDOG=1") }

  /// Asks for more time to start or stop.
  package func extendTimeout(microseconds: UInt64) {
    send("EXTEND_TIMEOUT_USEC=\(microseconds)")
  }

  /// Stores descriptors: after a restart or a crash the next process inherits them under `name`.
  ///
  /// - Parameter isWatched: the manager drops them as soon as poll(2) reports a hang-up or an error.
  ///   Devices without an interrupt always seem to have one (fact 21).
  /// - Returns: 0, also without a manager, or an error number: EAGAIN if too many messages wait.
  @discardableResult
  package func store(
    _ descriptors: [FileDescriptor], as name: StoredName, isWatched: Bool = true
  ) -> Int32 {
    var lines = ["FDSTORE=1", "FDNAME=\(name)"]
    if !isWatched { lines.append("FDPOLL=0") }
    return send(lines, descriptors: descriptors)
  }

  /// Has the manager close all descriptors of this name.
  package func remove(_ name: StoredName) { send("FDSTOREREMOVE=1", "FDNAME=\(name)") }

  private static func status(_ text: String) -> String {
    // One line: a second one would be a variable.
    "STATUS="
      + String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 ? " " : $0 }))
  }

  private func send(_ lines: String...) { _ = send(lines, descriptors: []) }

  private func send(_ lines: [String], descriptors: [FileDescriptor]) -> Int32 {
    guard let socket else { return 0 }
    sendWaiting()
    let message = Message(
      bytes: Array(lines.joined(separator: "\n").utf8), descriptors: descriptors)
    let result = waiting.isEmpty ? Self.send(message, to: socket) : EAGAIN
    guard result == EAGAIN, waiting.count < Self.mostWaiting else { return result }
    waiting.append(message)
    return 0
  }

  private static func send(_ message: Message, to socket: DatagramSocket) -> Int32 {
    socket.send(message.bytes, descriptors: message.descriptors)
  }

  /// Sends what found no room, as far as there is room now. Call it from time to time.
  package func sendWaiting() {
    guard let socket else { return }
    sendWaiting(to: socket)
  }

  private func sendWaiting(to socket: DatagramSocket) {
    // Another error will not go away, and must not hold up the rest.
    let sent = waiting.prefix { Self.send($0, to: socket) != EAGAIN }.count
    waiting.removeFirst(sent)
  }

  /// Sends what still waits, when the process has nothing else to do.
  ///
  /// - Parameter milliseconds: how long it waits for room.
  package func finish(waiting milliseconds: Int32 = 5000) {
    guard let socket, !waiting.isEmpty else { return }
    let patient = DatagramSocket(to: socket.address, timeout: milliseconds)
    sendWaiting(to: patient ?? socket)
  }
}
