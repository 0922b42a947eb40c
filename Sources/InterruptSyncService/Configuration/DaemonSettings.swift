// Configuration room. [Daemon], the keys of interruptsyncd.conf: the process as a whole, and what
// clients may use. ConfigurationSet makes it; Service, ClientService and AccessPolicy read it. Pure
// values, on the control thread; no lock.
import Varlink

/// What `interruptsyncd.conf` says.
package struct DaemonSettings: Equatable, Sendable {
  /// The least urgent level that is logged.
  package var logLevel = LogLevel.info
  /// Replaced every `metricsInterval`; nil: no file.
  package var metricsTextfile: String?
  package var metricsInterval = TimeSpan.seconds(15)
  /// Their members may observe devices; empty: every user that can connect.
  package var observeGroups: [String] = []
  /// Their members may control devices; root always may.
  package var controlGroups: [String] = []
  /// Their members may reload and hand over descriptors; root always may.
  package var adminGroups: [String] = []
  package var limits = ClientLimits()
  /// The longest time from an interrupt to the attached client's completion.
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

  /// A path that ends in .prom: the node exporter reads nothing else.
  private static func textfile(_ text: String) throws(ValueFault) -> String {
    let path = try ConfigurationValue.path(text)
    guard path.hasSuffix(".prom") else {
      throw ValueFault(
        "\"\(text)\" does not end in .prom", hint: "the node exporter reads only *.prom")
    }
    return path
  }
}

/// What clients of the daemon can use.
package struct ClientLimits: Equatable, Sendable {
  package var connections = 256
  package var connectionsPerUser = 64
  package var registrationsPerUser = 64
  package var subscriptionsPerUser = 64
  /// Percent of one processor's time, for users without control of devices.
  package var cpuQuotaPerUser = 10
  /// Bytes of all rings of one user.
  package var ringMemoryPerUser = 32 << 20
  /// Bytes of all rings together; root and admins may go beyond it.
  var ringMemory: Int { 8 * ringMemoryPerUser }
  /// Bytes of one message.
  package var messageSize = 1 << 20
  /// Bytes that wait for a client that does not read.
  package var outputSize = 1 << 20
  package var transaction = TransactionLimits()

  package init() {}

  init(_ reader: inout SectionReader<DaemonSettings.Key>) {
    typealias Value = ConfigurationValue
    connections = reader.value(.connections, Value.integer(1...4096)) ?? connections
    connectionsPerUser =
      reader.value(.connectionsPerUser, Value.integer(1...4096)) ?? connectionsPerUser
    registrationsPerUser =
      reader.value(.registrationsPerUser, Value.integer(0...65536)) ?? registrationsPerUser
    subscriptionsPerUser =
      reader.value(.subscriptionsPerUser, Value.integer(0...65536)) ?? subscriptionsPerUser
    cpuQuotaPerUser = reader.value(.cpuQuotaPerUser, Value.percentage(1...100)) ?? cpuQuotaPerUser
    ringMemoryPerUser =
      reader.value(.ringMemoryPerUser, Value.size(0...(16 << 30))) ?? ringMemoryPerUser
    messageSize = reader.value(.messageSize, Value.size(4096...(16 << 20))) ?? messageSize
    outputSize = reader.value(.outputSize, Value.size(4096...(64 << 20))) ?? outputSize
    transaction.operations =
      reader.value(.transactionOperations, Value.integer(1...4096)) ?? transaction.operations
    transaction.microseconds =
      reader.value(.transactionTime, Self.microseconds) ?? transaction.microseconds
  }

  /// The limits that the protocol's server enforces.
  var server: ServerLimits {
    ServerLimits(
      connections: connections, connectionsPerUser: connectionsPerUser,
      message: WireLimits(messageBytes: messageSize), waitingBytes: outputSize)
  }

  private static func microseconds(_ text: String) throws(ValueFault) -> UInt64 {
    let span = try ConfigurationValue.timeSpan(.microseconds(0) ... .milliseconds(100))(text)
    guard span.nanoseconds % 1000 == 0 else {
      throw ValueFault(
        "\(text) is not a whole number of microseconds", hint: "write it without a fraction")
    }
    return span.nanoseconds / 1000
  }
}
