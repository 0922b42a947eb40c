// Floor 6. Translates errors of the protocol and of io.interruptsync into InterruptSyncClientError.
// DaemonConnection calls it for each failure, interruptsyncctl for those of its `call`, on the
// caller's thread, without a lock.
import Glibc
import LinuxSystem
package import Varlink

extension InterruptSyncClientError {
  /// - Parameters:
  ///   - object: the device, or the address.
  ///   - operation: what the library was doing, in words.
  package init(_ error: VarlinkError, object: String, operation: String) {
    if let reply = error.reply {
      self.init(reply, object: object, operation: operation)
      return
    }
    let (code, hint) = Self.meaning(error)
    let number = error.errno.map { " (\($0))" } ?? ""
    self.init(
      code, object: object, operation: operation, cause: error.cause + number,
      hint: hint ?? error.hint, errno: error.errorNumber)
  }

  private static func meaning(_ error: VarlinkError) -> (Code, hint: String?) {
    switch error.code {
    case .notFound, .notListening:
      (.notRunning, "start the daemon: systemctl start interruptsyncd")
    case .permissionDenied: (.permissionDenied, group(of: error.object).map(joining))
    case .disconnected: (.disconnected, "systemctl status interruptsyncd shows why")
    case .timedOut: (.timedOut, nil)
    case .protocolViolation, .remote, .invalidDescription: (.protocolViolation, nil)
    case .resourcesExhausted: (.resourcesExhausted, nil)
    case .malformedAddress: (.invalidArgument, nil)
    case .addressInUse, .notAListener, .busy, .unexpected: (.unexpected, nil)
    }
  }

  private static func joining(_ group: String) -> String {
    "members of the group \(group) may connect: usermod -aG \(group) USER, then log in again"
  }

  /// The group that owns a socket's node.
  private static func group(of path: String) -> String? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    var entry = unsafe Glibc.group()
    var result: UnsafeMutablePointer<group>?
    var room = [CChar](repeating: 0, count: 1 << 16)
    guard unsafe getgrgid_r(status.st_gid, &entry, &room, room.count, &result) == 0,
      let result = unsafe result, let name = unsafe result.pointee.gr_name
    else { return nil }
    return unsafe String(cString: name)
  }
}

// MARK: Errors of the interface

extension InterruptSyncClientError {
  private init(_ reply: ErrorReply, object: String, operation: String) {
    let known = Self.known[reply.name]
    var (cause, hint) = Self.advice(reply)
    if let known, !known.hint.isEmpty, hint.isEmpty { hint = known.hint }
    if cause.isEmpty { cause = known?.cause ?? "" }
    if cause.isEmpty { cause = "the daemon answered \(reply)" }
    let results = reply.parameters["results"]?.array ?? []
    let diagnostics = reply.parameters["diagnostics"]?.array ?? []
    self.init(
      known?.code ?? .unexpected, object: object, operation: operation, cause: cause, hint: hint,
      errno: Int32(clamping: reply.parameters["errno"]?.int64 ?? 0),
      results: results.compactMap(\.uint64),
      diagnostics: diagnostics.compactMap { ConfigurationDiagnostic($0) })
  }

  private typealias Known = (code: Code, cause: String, hint: String)

  private static let known: [String: Known] = [
    name("NoSuchDevice"): (.noSuchDevice, "there is no such device", "interruptsyncctl list"),
    name("WrongState"): (.wrongState, "its state does not allow this", ""),
    name("Busy"): (.busy, "another client has attached it", "wait until that client detaches"),
    name("NotAllowed"): (.notAllowed, "the device's file does not allow it", ""),
    name("BadRegister"): (.badRegister, "there is no such register", "interruptsyncctl info"),
    name("TooLarge"): (
      .tooLarge, "it is more than the daemon allows",
      "make it smaller, or raise TransactionMaxOperations= or TransactionMaxSec= in "
        + "interruptsyncd.conf(5)"
    ),
    name("WaitExpired"): (.waitExpired, "a wait timed out", ""),
    name("DeviceGone"): (.deviceGone, "the device was removed", "wait until it returns"),
    name("NotAttached"): (.notAttached, "the attachment has ended", "attach the device again"),
    name("ConfigurationRejected"): (
      .configurationRejected, "the configuration has errors; the daemon keeps the old one", ""
    ),
    name("TooManyRegistrations"): (
      .tooManyRegistrations, "the user has reached the daemon's limit of registrations",
      "end others, or raise RegistrationsPerUserMax= or SubscriptionsPerUserMax= in "
        + "interruptsyncd.conf(5)"
    ),
    name("BadDescriptor"): (.invalidArgument, "the daemon does not accept this descriptor", ""),
    name("SystemFailure"): (.systemFailure, "a system call failed", ""),
    "org.varlink.service.PermissionDenied": (
      .permissionDenied, "the daemon does not allow this user to do that",
      "run as root, or as a member of a group in ControlGroup= or AdminGroup= of interruptsyncd.conf(5)"
    ),
    "org.varlink.service.InvalidParameter": (.invalidArgument, "", ""),
    "org.varlink.service.MethodNotFound": (.unsupported, "", older),
    "org.varlink.service.MethodNotImplemented": (.unsupported, "", older),
    "org.varlink.service.InterfaceNotFound": (.unsupported, "", older),
  ]

  private static let older = "the daemon has another version: restart it after an upgrade"

  private static func name(_ error: String) -> String {
    "\(daemonInterface).\(error)"
  }

  /// The words of the error itself.
  private static func advice(_ reply: ErrorReply) -> (cause: String, hint: String) {
    let parameters = reply.parameters
    if let message = parameters["message"]?.string {
      let place = parameters["operation"]?.int64.map { "operation \($0 + 1): " } ?? ""
      return (place + message, parameters["hint"]?.string ?? "")
    }
    if let parameter = parameters["parameter"]?.string {
      return ("the daemon does not accept this value for \(parameter)", "")
    }
    if let operation = parameters["operation"]?.int64 {
      return ("the wait, operation \(operation + 1), timed out", "")
    }
    if let limit = parameters["limit"]?.int64 {
      let registrations = counted(limit, "registration")
      return ("the user already has \(registrations), the most that the daemon allows", "")
    }
    if let diagnostics = parameters["diagnostics"]?.array {
      let lines = diagnostics.compactMap { ConfigurationDiagnostic($0)?.description }
      let cause = "the configuration has errors; the daemon keeps the old one"
      return (([cause] + lines).joined(separator: "\n"), "")
    }
    return ("", "")
  }
}
