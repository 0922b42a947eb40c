// Floor 5. The two ways a call fails: an error of this end (`VarlinkError`), and the error that a
// service answers with (`ErrorReply`). This target throws the first, for InterruptSyncClient,
// interruptsyncctl and the daemon's start; the daemon's methods throw the second, which clients
// read. A hint travels as a field of both. Values, for any thread; no lock.
import Glibc
package import LinuxSystem

/// A failure of this end: no connection, no answer, or an answer that is none. An error that the
/// service answered with is `remote`.
package struct VarlinkError: ExplainedError, Equatable, Sendable, CustomStringConvertible {
  /// The cause, for programs.
  package enum Code: String, Sendable, CaseIterable {
    /// The text names no local socket.
    case malformedAddress
    /// There is no socket at the address.
    case notFound
    /// There is a socket, and no process listens.
    case notListening
    /// The process may not connect, bind or listen there.
    case permissionDenied
    /// Another process listens there already.
    case addressInUse
    /// The descriptor given is no listening local stream socket.
    case notAListener
    /// A stream on the same connection has not ended.
    case busy
    /// The service ended the connection.
    case disconnected
    /// No answer within the time given.
    case timedOut
    /// The service sent what is not Varlink, or more than is taken.
    case protocolViolation
    /// The service answered with an error; `reply` has it.
    case remote
    /// A description of an interface does not follow the language, or a name is not in it.
    case invalidDescription
    /// Descriptors, memory or ports are used up.
    case resourcesExhausted
    /// The kernel answered something unforeseen.
    case unexpected
  }

  package let code: Code
  /// The address, method or interface.
  package let object: String
  /// The operation that failed.
  package let operation: String
  /// The cause, in words.
  package let cause: String
  /// The remedy; empty when there is none.
  package let hint: String
  /// The kernel's answer; nil when no system call failed.
  package let errno: Errno?
  /// The service's error, when the code is `remote`.
  package let reply: ErrorReply?

  package init(
    _ code: Code, object: String, operation: String, cause: String, hint: String = "",
    errno: Int32 = 0, reply: ErrorReply? = nil
  ) {
    self.code = code
    self.object = object
    self.operation = operation
    self.cause = cause
    self.hint = hint
    self.errno = Errno(nonzero: errno)
    self.reply = reply
  }

  /// `object: operation: cause (ERRNO)`, and the hint on a line of its own.
  package var description: String { explanation }

  package var codeName: String { code.rawValue }

  /// What a number means at a socket's address.
  package init(_ failure: SystemError, object: String, operation: String) {
    let (code, cause, hint) = Self.meaning(failure.number)
    self.init(
      code, object: object, operation: operation, cause: cause, hint: hint, errno: failure.number)
  }

  /// What the control thread's loop could not do.
  init(_ failure: SystemError) {
    guard failure.number == ENOSPC else {
      self.init(failure, object: "control thread", operation: failure.operation)
      return
    }
    self.init(
      .resourcesExhausted, object: "control thread", operation: failure.operation,
      cause: "the user's processes watch too many descriptors",
      hint: "raise the sysctl fs.epoll.max_user_watches", errno: failure.number)
  }

  private static func meaning(_ number: Int32) -> (Code, cause: String, hint: String) {
    switch number {
    case ENOENT, ENOTDIR, ELOOP:
      (.notFound, "there is no such socket", "is the service running? systemctl status")
    case ECONNREFUSED:
      (.notListening, "no process listens there", "is the service running? systemctl status")
    case EACCES, EPERM:
      (
        .permissionDenied, "permission denied",
        "members of the socket's group may connect: ls -l shows the group; add the user to it"
      )
    case EADDRINUSE:
      (
        .addressInUse, "it exists already",
        "use another path, or stop the process that listens there"
      )
    case EAGAIN, ETIMEDOUT:
      (.timedOut, "the service accepts no more connections", "look at its log, or try again later")
    case ENAMETOOLONG: (.malformedAddress, "longer than 107 bytes", "use a shorter path")
    case EMFILE, ENFILE, ENOMEM, ENOBUFS:
      (
        .resourcesExhausted, "no descriptors or memory left",
        "raise the limit (systemd: LimitNOFILE=)"
      )
    case EPIPE, ECONNRESET:
      (
        .disconnected, "the other end closed the connection", "connect again; its log may say why"
      )
    case EROFS:
      (
        .permissionDenied, FileFailure(number).cause,
        "choose a path below /run, or another writable one"
      )
    case ENOSPC, EDQUOT:
      (.resourcesExhausted, FileFailure(number).cause, FileFailure(number).hint)
    default: (.unexpected, "unexpected error from the kernel", "dmesg may say why")
    }
  }
}

// MARK: Errors that a service answers with

/// An error a service answers with: a qualified name and its parameters.
package struct ErrorReply: Error, Equatable, Sendable, CustomStringConvertible {
  package let name: String
  package let parameters: JSONObject

  package init(_ name: String, _ parameters: JSONObject = [:]) {
    self.name = name
    self.parameters = parameters
  }

  /// The remedy, where the service names one: the parameter `hint`, which the interface must declare
  /// as `?string`.
  package var hint: String? { parameters["hint"]?.string }

  package var description: String { parameters.isEmpty ? name : "\(name) \(parameters)" }

  private static func standard(_ name: String, _ parameters: JSONObject = [:]) -> ErrorReply {
    ErrorReply("\(ServiceInterface.name).\(name)", parameters)
  }

  /// The service has no such interface.
  package static func interfaceNotFound(_ interface: String) -> ErrorReply {
    standard("InterfaceNotFound", ["interface": .string(interface)])
  }

  /// The interface has no such method; the name is the whole one.
  package static func methodNotFound(_ method: String) -> ErrorReply {
    standard("MethodNotFound", ["method": .string(method)])
  }

  /// The interface has the method and this service does not do it, or not in the way asked for.
  package static func methodNotImplemented(_ method: String) -> ErrorReply {
    standard("MethodNotImplemented", ["method": .string(method)])
  }

  /// A parameter is missing or undeclared, or has the wrong type or value. Inside a parameter,
  /// its place: `devices[2].name`.
  package static func invalidParameter(_ parameter: String) -> ErrorReply {
    standard("InvalidParameter", ["parameter": .string(parameter)])
  }

  /// The peer may not do this.
  package static let permissionDenied = standard("PermissionDenied")

  /// The method only makes sense with `more`.
  package static let expectedMore = standard("ExpectedMore")
}
