import Varlink

/// What clients of the daemon can use up.
package struct ClientLimits: Equatable, Sendable {
  package var connections = 256
  package var connectionsPerUser = 64
  package var registrationsPerUser = 64
  package var subscriptionsPerUser = 64
  /// Of one processor's time, in percent, for users without control of devices.
  package var cpuQuotaPerUser = 10
  /// Bytes of the rings of one user, all together.
  package var ringMemoryPerUser = 32 << 20
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

  /// What of it the protocol's server looks after.
  var server: ServerLimits {
    ServerLimits(
      connections: connections, connectionsPerUser: connectionsPerUser,
      message: WireLimits(messageBytes: messageSize), waitingBytes: outputSize)
  }

  private static func microseconds(_ text: String) throws(ValueFault) -> UInt64 {
    let span = try ConfigurationValue.timeSpan(.microseconds(0) ... .milliseconds(100))(text)
    guard span.nanoseconds % 1000 == 0 else {
      throw ValueFault("\(text) is no number of microseconds", hint: "write it without a fraction")
    }
    return span.nanoseconds / 1000
  }
}
