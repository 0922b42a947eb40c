// [Daemon]: each key's values.
import Testing

@testable import InterruptSyncService

private func settings(_ change: (inout DaemonSettings) -> Void) -> DaemonSettings {
  var settings = DaemonSettings()
  change(&settings)
  return settings
}

@Test(arguments: [
  ("", settings { _ in }),
  ("LogLevel=debug", settings { $0.logLevel = .debug }),
  ("LogLevel=emerg", settings { $0.logLevel = .emergency }),
  (
    "MetricsTextfile=/var/lib/x/interruptsync.prom",
    settings { $0.metricsTextfile = "/var/lib/x/interruptsync.prom" }
  ),
  ("MetricsIntervalSec=1min", settings { $0.metricsInterval = .seconds(60) }),
  ("ObserveGroup=uio", settings { $0.observeGroups = ["uio"] }),
  ("ControlGroup=a b", settings { $0.controlGroups = ["a", "b"] }),
  ("AdminGroup=wheel", settings { $0.adminGroups = ["wheel"] }),
  ("ConnectionsMax=1", settings { $0.limits.connections = 1 }),
  ("ConnectionsPerUserMax=4096", settings { $0.limits.connectionsPerUser = 4096 }),
  ("RegistrationsPerUserMax=0", settings { $0.limits.registrationsPerUser = 0 }),
  ("SubscriptionsPerUserMax=1", settings { $0.limits.subscriptionsPerUser = 1 }),
  ("CPUQuotaPerUser=25%", settings { $0.limits.cpuQuotaPerUser = 25 }),
  ("RingMemoryPerUserMax=0", settings { $0.limits.ringMemoryPerUser = 0 }),
  ("RingMemoryPerUserMax=1G", settings { $0.limits.ringMemoryPerUser = 1 << 30 }),
  ("MessageSizeMax=64K", settings { $0.limits.messageSize = 65536 }),
  ("OutputSizeMax=2M", settings { $0.limits.outputSize = 2 << 20 }),
  ("TransactionMaxOperations=16", settings { $0.limits.transaction.operations = 16 }),
  ("TransactionMaxSec=50us", settings { $0.limits.transaction.microseconds = 50 }),
  ("AttachDeadlineSec=500ms", settings { $0.attachDeadline = .milliseconds(500) }),
])
func daemonKeyIsRead(text: String, expected: DaemonSettings) throws {
  #expect(try daemonSettings("[Daemon]\n\(text)\n") == expected)
}

@Test(arguments: [
  ("LogLevel=warn", "2:10: error: LogLevel=: \"warn\" is none of", "write alert, crit, debug"),
  ("LogLevel=loud", "2:10: error: LogLevel=: \"loud\" is none of", "crit"),
  ("MetricsTextfile=x.prom", "2:17: error: MetricsTextfile=: \"x.prom\" is not a plain", "root"),
  ("MetricsTextfile=/x.txt", "2:17: error: MetricsTextfile=: \"/x.txt\" does not end", ".prom"),
  ("MetricsIntervalSec=0", "2:20: error: MetricsIntervalSec=: 0 is not between 1s and 1h", "1s"),
  ("MetricsSocket=/run/x", "2:1: error: [Daemon] has no key MetricsSocket=", "manual page"),
  ("RingMemoryPerUserMax=17G", "2:22: error: RingMemoryPerUserMax=: \"17G\" is not a size", "K"),
  ("ObserveGroup=ok bad:", "2:17: error: ObserveGroup=: \"bad:\" is not the name", "number"),
  ("ControlGroup=-x", "2:14: error: ControlGroup=: \"-x\" is not the name", "number"),
  ("AdminGroup=007", "2:12: error: AdminGroup=: \"007\" is not the name", "number"),
  ("ConnectionsMax=0", "2:16: error: ConnectionsMax=: \"0\" is not a number", "1 to 4096"),
  ("ConnectionsPerUserMax=5000", "2:23: error: ConnectionsPerUserMax=: \"5000\"", "1 to 4096"),
  ("RegistrationsPerUserMax=x", "2:25: error: RegistrationsPerUserMax=: \"x\"", "0 to 65536"),
  ("SubscriptionsPerUserMax=-1", "2:25: error: SubscriptionsPerUserMax=: \"-1\"", "0 to 65536"),
  ("CPUQuotaPerUser=0%", "2:17: error: CPUQuotaPerUser=: \"0%\" is not a percentage", "10%"),
  ("CPUQuotaPerUser=25", "2:17: error: CPUQuotaPerUser=: \"25\" is not a percentage", "10%"),
  ("MessageSizeMax=1", "2:16: error: MessageSizeMax=: \"1\" is not a size from 4K to 16M", "K"),
  ("OutputSizeMax=1G", "2:15: error: OutputSizeMax=: \"1G\" is not a size from 4K to 64M", "K"),
  ("TransactionMaxOperations=0", "2:26: error: TransactionMaxOperations=: \"0\"", "1 to 4096"),
  ("TransactionMaxSec=1", "2:19: error: TransactionMaxSec=: 1 is not between", "to 100ms"),
  (
    "TransactionMaxSec=1.5us", "2:19: error: TransactionMaxSec=: 1.5us is not a whole number",
    "fraction"
  ),
  ("AttachDeadlineSec=1ms", "2:19: error: AttachDeadlineSec=: 1ms is not", "10ms to 5min"),
  ("Loglevel=info", "2:1: error: [Daemon] has no key Loglevel=", "did you mean LogLevel=?"),
  ("[Match]", "2:1: error: there is no section [Match]", "write Daemon"),
])
func daemonFaultsAreToldWithTheirPlace(text: String, fault: String, hint: String) throws {
  let faults = try daemonFaults("[Daemon]\n\(text)\n")
  #expect(faults.count == 1, "\(faults)")
  #expect(faults.first?.hasPrefix(fault) == true, "\(faults)")
  #expect(faults.first?.contains(hint) == true, "\(faults)")
}
