// Service room. Which configuration a start uses: that of the files; if they are invalid, the last
// accepted one, which the service manager kept over the restart; and with neither an exit status.
// `main` calls it on the control thread, before there is another thread, and it may wait; no lock.
import InterruptSync
package import LinuxSystem

/// The outcome of reading the configuration at a start.
package enum ConfigurationStart: Equatable {
  case accepted(ConfigurationSet)
  /// The files are invalid: the last accepted configuration is used.
  case kept(ConfigurationSet, rejected: ConfigurationError)
  /// There is no other one: the daemon exits with the error's status.
  case refused(ConfigurationError)

  /// How often a read that failed is tried again, a second apart, under a service manager that has no
  /// configuration. Then the daemon exits, and is restarted: so rarely that the manager never takes
  /// it for a loop (StartLimitIntervalSec=60, StartLimitBurst=5).
  package static let attempts = 15

  /// - Parameters:
  ///   - kept: what the service manager kept; nil at a first start.
  ///   - attempts: after the first.
  ///   - wait: between two attempts.
  package init(
    kept: FileDescriptor?, attempts: Int, journal: Journal,
    read: () throws(ConfigurationError) -> ConfigurationSet, wait: () -> Void
  ) {
    self = Self.once(kept, journal, read)
    for attempt in 0..<attempts {
      guard case .refused(let error) = self, error.isUnread else { return }
      if attempt == 0 {
        journal.log(
          LogRecord(
            .error, "the configuration cannot be read; trying again:\n\(error.description)",
            event: .configurationRejected))
      }
      wait()
      self = Self.once(kept, journal, read)
    }
  }

  private static func once(
    _ kept: FileDescriptor?, _ journal: Journal,
    _ read: () throws(ConfigurationError) -> ConfigurationSet
  ) -> ConfigurationStart {
    do throws(ConfigurationError) { return .accepted(try read()) } catch {
      guard let configuration = kept.flatMap({ lastAccepted($0, journal) }) else {
        return .refused(error)
      }
      journal.log(
        LogRecord(
          .error,
          "the configuration is rejected; the last accepted one is in force:\n\(error.description)",
          hint: "correct the files, then: interruptsyncctl reload", event: .configurationRejected))
      return .kept(configuration, rejected: error)
    }
  }

  private static func lastAccepted(
    _ file: FileDescriptor, _ journal: Journal
  ) -> ConfigurationSet? {
    let reason: String
    do {
      return try ConfigurationSet(dump: KeptConfiguration.text(file))
    } catch { reason = "\(error)" }
    journal.log(
      .warning, "the last accepted configuration is not usable: \(reason)", event: .stateRefused)
    return nil
  }
}
