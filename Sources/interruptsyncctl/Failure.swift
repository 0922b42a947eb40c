// How the program ends when it did not do what it was told.
import ArgumentParser
import Glibc
import InterruptSyncClient
import UIO

enum Failure {
  static let failed: Int32 = 1
  static let wrongUsage: Int32 = 2
  /// Of `status`, as of LSB's scripts.
  static let notRunning: Int32 = 3
  static let noSuchDevice: Int32 = 4
  /// EX_NOPERM of sysexits.h.
  static let notPermitted: Int32 = 77

  static func status(_ error: InterruptSyncClientError) -> Int32 {
    error.code == .permissionDenied ? notPermitted : failed
  }

  static func end(_ error: InterruptSyncClientError) -> Never {
    Console.say(error.description)
    Glibc.exit(status(error))
  }

  static func end(_ error: UIOError) -> Never {
    Console.say(error.description)
    Glibc.exit(error.code == .permissionDenied ? notPermitted : failed)
  }

  /// What the parser throws: help and completion scripts, and usage that is wrong.
  static func end(usage error: any Error) -> Never {
    let status = Control.exitCode(for: error)
    let text = Control.fullMessage(for: error)
    if status.isSuccess {
      Console.out(text)
      Glibc.exit(0)
    }
    if !text.isEmpty { Console.complain(text) }
    Glibc.exit(status == .validationFailure ? wrongUsage : status.rawValue)
  }

  /// Everything has been said.
  static func exit(_ status: Int32) -> Never { Glibc.exit(status) }
}
