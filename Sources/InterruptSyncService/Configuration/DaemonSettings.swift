// [Daemon]: the process as a whole, and what clients may ask of it.

/// What `interruptsyncd.conf` says.
package struct DaemonSettings: Equatable, Sendable {
  /// The least urgent level that is logged.
  package var logLevel = LogLevel.info
  /// Written anew each `metricsInterval`; nil: no such file.
  package var metricsTextfile: String?
  package var metricsInterval = TimeSpan.seconds(15)
  /// Whose members may look at devices; empty: whoever can connect.
  package var observeGroups: [String] = []
  /// Whose members may register routines; root always may.
  package var controlGroups: [String] = []
  /// Whose members may reload, attach and detach; root always may.
  package var adminGroups: [String] = []
  package var limits = ClientLimits()
  /// Until a device that is being attached has to be connected.
  package var attachDeadline = TimeSpan.seconds(5)

  enum Key: String, ConfigurationKey {
    case logLevel = "LogLevel"
    case metricsTextfile = "MetricsTextfile"
    case metricsInterval = "MetricsIntervalSec"
    case observeGroups = "ObserveGroup"
    case controlGroups = "ControlGroup"
    case adminGroups = "AdminGroup"
    case connections = "ConnectionsMax"
    case connectionsPerUser = "ConnectionsPerUserMax"
    case registrationsPerUser = "RegistrationsPerUserMax"
    case subscriptionsPerUser = "SubscriptionsPerUserMax"
    case cpuQuotaPerUser = "CPUQuotaPerUser"
    case ringMemoryPerUser = "RingMemoryPerUserMax"
    case messageSize = "MessageSizeMax"
    case outputSize = "OutputSizeMax"
    case transactionOperations = "TransactionMaxOperations"
    case transactionTime = "TransactionMaxSec"
    case attachDeadline = "AttachDeadlineSec"

    static let section = "Daemon"
    var isList: Bool { [.observeGroups, .controlGroups, .adminGroups].contains(self) }
  }

  package init() {}

  init(_ reader: inout SectionReader<Key>) {
    typealias Value = ConfigurationValue
    logLevel =
      reader.value(
        .logLevel,
        Value.choice(
          Dictionary(uniqueKeysWithValues: LogLevel.allCases.map { ($0.rawValue, $0) })))
      ?? logLevel
    metricsTextfile = reader.value(.metricsTextfile, Self.textfile)
    metricsInterval =
      reader.value(.metricsInterval, Value.timeSpan(.seconds(1) ... .seconds(3600)))
      ?? metricsInterval
    observeGroups = reader.items(.observeGroups, Value.group)
    controlGroups = reader.items(.controlGroups, Value.group)
    adminGroups = reader.items(.adminGroups, Value.group)
    limits = ClientLimits(&reader)
    attachDeadline =
      reader.value(.attachDeadline, Value.timeSpan(.milliseconds(10) ... .seconds(300)))
      ?? attachDeadline
  }

  /// The node exporter reads nothing else.
  private static func textfile(_ text: String) throws(ValueFault) -> String {
    let path = try ConfigurationValue.path(text)
    guard path.hasSuffix(".prom") else {
      throw ValueFault(
        "\"\(text)\" does not end in .prom", hint: "the node exporter reads only *.prom")
    }
    return path
  }
}
