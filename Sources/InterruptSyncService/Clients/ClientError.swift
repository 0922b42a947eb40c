// The errors of io.interruptsync, as its description declares them.
import InterruptSync
import UIO
import Varlink

enum ClientError {
  static let interface = "io.interruptsync"

  static func noSuchDevice(_ device: String, _ message: String = "") -> ErrorReply {
    make(
      "NoSuchDevice",
      [
        "device": .string(device),
        "message": .string(
          message.isEmpty ? "no device has this id, node or name; ListDevices has them" : message),
      ])
  }

  static func wrongState(_ device: ManagedDevice, _ message: String) -> ErrorReply {
    make(
      "WrongState",
      [
        "device": .string(device.id), "state": .string(device.state.rawValue),
        "message": .string(message),
      ])
  }

  static func busy(_ device: ManagedDevice, _ message: String) -> ErrorReply {
    make("Busy", ["device": .string(device.id), "message": .string(message)])
  }

  static func notAllowed(_ device: ManagedDevice, _ message: String) -> ErrorReply {
    make("NotAllowed", ["device": .string(device.id), "message": .string(message)])
  }

  static func notAttached(_ device: ManagedDevice, _ message: String) -> ErrorReply {
    make("NotAttached", ["device": .string(device.id), "message": .string(message)])
  }

  static func badDescriptor(
    _ device: ManagedDevice, _ refusal: Inheritance.Refusal
  ) -> ErrorReply {
    make(
      "BadDescriptor",
      [
        "device": .string(device.id), "parameter": .string(refusal.parameter),
        "message": .string("\(refusal)"),
      ])
  }

  static func tooManyRegistrations(_ limit: Int) -> ErrorReply {
    make("TooManyRegistrations", ["limit": .integer(Int64(limit))])
  }

  static func tooMuchMemory(_ size: Int, has: Int, limit: Int) -> ErrorReply {
    make(
      "TooLarge",
      [
        "limit": .integer(Int64(limit)),
        "message": .string(
          "a ring of \(size) bytes: the user's have \(has) already, of \(limit) that they may have"
            + "\n  hint: ask for a smaller capacity, or raise RingMemoryPerUserMax= in "
            + "interruptsyncd.conf(5)"),
      ])
  }

  static func refused(_ refusal: TransactionRefusal) -> ErrorReply {
    switch refusal {
    case .badRegister(let index, let message):
      make("BadRegister", ["operation": .integer(Int64(index)), "message": .string(message)])
    case .tooLarge(let limit, let message):
      make("TooLarge", ["limit": .integer(Int64(limit)), "message": .string(message)])
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

  /// Whatever opening, connecting or re-arming a device failed with.
  static func system(_ error: any Error) -> ErrorReply {
    let number =
      (error as? UIOError)?.errorNumber ?? (error as? InterruptSyncError)?.errorNumber ?? 0
    return make(
      "SystemFailure", ["message": .string("\(error)"), "errno": .integer(Int64(number))])
  }

  private static func make(_ name: String, _ parameters: JSONObject) -> ErrorReply {
    ErrorReply("\(interface).\(name)", parameters)
  }
}
