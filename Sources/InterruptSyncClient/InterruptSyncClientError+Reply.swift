// What the errors of the protocol and of io.interruptsync mean to a caller.
import Glibc
import LinuxSystem
package import Varlink

extension InterruptSyncClientError {
  /// - Parameters:
  ///   - object: the device, or the address.
  ///   - operation: what was being done, in words.
  package init(_ error: VarlinkError, object: String, operation: String) {
    if let reply = error.reply {
      self.init(reply, object: object, operation: operation)
      return
    }
    let (code, hint) = Self.meaning(error)
    let number = error.errno == 0 ? "" : " (\(Errno(rawValue: error.errno)))"
    self.init(
      code, object: object, operation: operation, cause: error.cause + number,
      hint: hint ?? error.hint, errno: error.errno)
  }

  private static func meaning(_ error: VarlinkError) -> (Code, hint: String?) {
    switch error.code {
    case .notFound, .notListening:
      (.notRunning, "start the daemon: systemctl start interruptsyncd")
    case .permissionDenied: (.permissionDenied, group(of: error.object).map(joining))
    case .disconnected: (.disconnected, "systemctl status interruptsyncd says why")
    case .timedOut: (.timedOut, nil)
    case .protocolViolation, .remote, .invalidDescription: (.protocolViolation, nil)
    case .resourcesExhausted: (.resourcesExhausted, nil)
    case .malformedAddress: (.invalidArgument, nil)
    case .addressInUse, .notAListener, .busy, .unexpected: (.unexpected, nil)
    }
  }

  private static func joining(_ group: String) -> String {
    "members of the group \(group) may connect: usermod -aG \(group) USER, then log in anew"
  }

  /// The group of a socket's node.
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
    name("WrongState"): (.wrongState, "it is not in the state for this", ""),
    name("Busy"): (.busy, "another client has attached it", "wait until it detaches"),
    name("NotAllowed"): (.notAllowed, "the device's file does not allow it", ""),
    name("BadRegister"): (.badRegister, "a register that is not there", "interruptsyncctl info"),
    name("TooLarge"): (
      .tooLarge, "it is more than the daemon allows",
      "make it smaller, or raise TransactionMaxOperations= or TransactionMaxSec= in "
        + "interruptsyncd.conf(5)"
    ),
    name("WaitExpired"): (.waitExpired, "a wait found nothing in its time", ""),
    name("DeviceGone"): (.deviceGone, "the device has gone", "wait until it is back"),
    name("NotAttached"): (.notAttached, "the attachment has ended", "attach it anew"),
    name("ConfigurationRejected"): (
      .configurationRejected, "the configuration is at fault; the old one stays", ""
    ),
    name("TooManyRegistrations"): (
      .tooManyRegistrations, "the user has as many registrations as allowed",
      "end others, or raise RegistrationsPerUserMax= or SubscriptionsPerUserMax= in "
        + "interruptsyncd.conf(5)"
    ),
    name("BadDescriptor"): (.invalidArgument, "the daemon does not take this descriptor", ""),
    name("SystemFailure"): (.systemFailure, "the system refused", ""),
    "org.varlink.service.PermissionDenied": (
      .permissionDenied, "the daemon does not let this user do that",
      "ControlGroup= and AdminGroup= in interruptsyncd.conf(5) say who may; root may everything"
    ),
    "org.varlink.service.InvalidParameter": (.invalidArgument, "", ""),
    "org.varlink.service.MethodNotFound": (.unsupported, "", older),
    "org.varlink.service.MethodNotImplemented": (.unsupported, "", older),
    "org.varlink.service.InterfaceNotFound": (.unsupported, "", older),
  ]

  private static let older = "the daemon is of another version: restart it after an upgrade"

  private static func name(_ error: String) -> String {
    "\(InterruptSyncClient.interface).\(error)"
  }

  /// The error's own words.
  private static func advice(_ reply: ErrorReply) -> (cause: String, hint: String) {
    let parameters = reply.parameters
    if let message = parameters["message"]?.string {
      let parts = message.split(separator: "\n  hint: ", maxSplits: 1).map(String.init)
      let place = parameters["operation"]?.int64.map { "operation \($0 + 1): " } ?? ""
      return (place + (parts.first ?? ""), parts.count > 1 ? parts[1] : "")
    }
    if let parameter = parameters["parameter"]?.string {
      return ("the daemon does not take this value for \(parameter)", "")
    }
    if let operation = parameters["operation"]?.int64 {
      return ("the wait, operation \(operation + 1), found nothing in its time", "")
    }
    if let limit = parameters["limit"]?.int64 {
      return ("the user has \(limit) registrations already, and may have no more", "")
    }
    if let diagnostics = parameters["diagnostics"]?.array {
      let lines = diagnostics.compactMap { ConfigurationDiagnostic($0)?.description }
      return (
        (["the configuration is at fault; the old one stays"] + lines).joined(separator: "\n"), ""
      )
    }
    return ("", "")
  }
}
