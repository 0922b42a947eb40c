// Clients room. The errors of io.interruptsync, as its description declares them. The files of
// ClientService and EventStream make them, clients read them. A hint and the cause's code are
// parameters of their own: no client cuts them out of a text. Pure functions, called on the control
// thread; no lock.
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import Varlink

enum ClientError {
  static let interface = "io.interruptsync"

  static func noSuchDevice(
    _ device: String,
    _ message: String = "no device has this id, node or name",
    hint: String = "interruptsyncctl list shows the devices"
  ) -> ErrorReply {
    make("NoSuchDevice", ["device": .string(device)], Failure(message, hint: hint))
  }

  static func wrongState(
    _ device: ManagedDevice, _ message: String, hint: String = ""
  ) -> ErrorReply {
    make(
      "WrongState", ["device": .string(device.id), "state": .string(device.state.rawValue)],
      Failure(message, hint: hint))
  }

  static func busy(_ device: ManagedDevice, _ message: String) -> ErrorReply {
    make("Busy", ["device": .string(device.id)], Failure(message))
  }

  /// A routine does not return, and what the call needs would wait for it.
  static func busy(_ device: ManagedDevice) -> ErrorReply {
    make(
      "Busy", ["device": .string(device.id)],
      Failure(
        ManagedDevice.hangs, hint: "look for the routine that does not return; it must not wait"))
  }

  /// No file configures the device, so nothing says how to service it.
  static func notConfigured(_ device: ManagedDevice) -> ErrorReply {
    make(
      "NotAllowed", ["device": .string(device.id)],
      Failure(
        "no .device file configures it",
        hint: "write one, see interruptsync.device(5), or attach the device"))
  }

  static func notAttached(_ device: ManagedDevice, _ message: String) -> ErrorReply {
    make("NotAttached", ["device": .string(device.id)], Failure(message))
  }

  static func badDescriptor(_ device: ManagedDevice, _ error: AdoptionError) -> ErrorReply {
    make(
      "BadDescriptor",
      ["device": .string(device.id), "parameter": .string(error.parameter)],
      Failure(error.cause, hint: error.hint))
  }

  static func tooManyRegistrations(_ limit: Int) -> ErrorReply {
    make("TooManyRegistrations", ["limit": .integer(Int64(limit))])
  }

  /// - Parameter owner: whose rings count.
  static func tooMuchMemory(
    _ size: Int, by owner: String, has: Int, limit: Int
  ) -> ErrorReply {
    make(
      "TooLarge", ["limit": .integer(Int64(limit))],
      Failure(
        "a ring of \(size) bytes: \(owner) rings already use \(has) of \(limit) bytes",
        hint: "ask for a smaller capacity, or raise RingMemoryPerUserMax= in "
          + "interruptsyncd.conf(5)"))
  }

  /// The last descriptors are kept for root, admins and the daemon itself.
  static var noDescriptors: ErrorReply {
    make(
      "SystemFailure", ["errno": .integer(Int64(EMFILE))],
      Failure("the daemon has no descriptors left", hint: "raise LimitNOFILE= of the unit"))
  }

  static func refused(_ refusal: TransactionRefusal) -> ErrorReply {
    switch refusal {
    case .badRegister(let index, let error):
      make("BadRegister", ["operation": .integer(Int64(index))], Failure(error))
    case .tooLarge(let limit, let message):
      make("TooLarge", ["limit": .integer(Int64(limit))], Failure(message))
    }
  }

  static func waitExpired(_ index: Int, _ results: [UInt64]) -> ErrorReply {
    make(
      "WaitExpired",
      ["operation": .integer(Int64(index)), "results": .array(results.map { JSON($0) })])
  }

  static func deviceGone(_ device: ManagedDevice, _ results: [UInt64] = []) -> ErrorReply {
    make(
      "DeviceGone",
      ["device": .string(device.id), "results": .array(results.map { JSON($0) })])
  }

  static func rejected(_ error: ConfigurationError) -> ErrorReply {
    make(
      "ConfigurationRejected",
      [
        "diagnostics": .array(
          error.diagnostics.map { diagnostic in
            var entry: JSONObject = [
              "file": .string(diagnostic.position.path),
              "line": .integer(Int64(diagnostic.position.line)),
              "column": .integer(Int64(diagnostic.position.column)),
              "message": .string(diagnostic.message),
            ]
            if !diagnostic.hint.isEmpty { entry["hint"] = .string(diagnostic.hint) }
            return .object(entry)
          })
      ])
  }

  /// What opening, connecting or re-arming a device failed with.
  static func system(_ error: any Error) -> ErrorReply {
    let failure = Failure(error)
    return make("SystemFailure", ["errno": .integer(Int64(failure.errno))], failure)
  }

  private static func make(
    _ name: String, _ parameters: JSONObject, _ failure: Failure? = nil
  ) -> ErrorReply {
    var parameters = parameters
    if let failure {
      parameters["message"] = .string(failure.message)
      if !failure.code.isEmpty { parameters["code"] = .string(failure.code) }
      if !failure.hint.isEmpty { parameters["hint"] = .string(failure.hint) }
    }
    return ErrorReply("\(interface).\(name)", parameters)
  }
}
