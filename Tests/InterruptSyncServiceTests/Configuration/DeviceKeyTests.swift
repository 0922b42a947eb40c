// [Device]: each key's values.
import InterruptSync
import Testing
import UIO

@testable import InterruptSyncService

private func settings(_ change: (inout DeviceSettings) -> Void) -> DeviceSettings {
  var settings = DeviceSettings()
  change(&settings)
  return settings
}

private func settings(_ text: String) throws -> DeviceSettings {
  try device("[Match]\nId=*\n[Device]\n\(text)\n").device
}

@Test func deviceDefaultsAreThoseOfTheLibrary() throws {
  let found = try settings("")
  #expect(found == DeviceSettings())
  let options = InterruptSyncOptions()
  #expect(found.storm == options.storm)
  #expect(found.repeatLimit == options.repeatLimit)
  #expect(found.dispatcher == options.dispatcher)
  #expect(found.acceptsAnySuccess == options.acceptsAnySuccess)
  #expect(found.connectsWithoutRoutines == options.connectsWithoutRoutines)
}

@Test(arguments: [
  ("Mode=normal", settings { _ in }),
  ("Mode=all", settings { $0.mode = .all }),
  ("Mode=repeat", settings { $0.mode = .repeat }),
  ("Rearm=auto", settings { $0.rearm = nil }),
  ("Rearm=irqcontrol", settings { $0.rearm = .irqControl }),
  ("Rearm=pci-command", settings { $0.rearm = .pciCommand }),
  ("Rearm=none", settings { $0.rearm = RearmStrategy.none }),
  ("Interrupt=auto", settings { _ in }),
  ("Interrupt=msix", settings { $0.interrupt = .msix }),
  ("Interrupt=msi", settings { $0.interrupt = .msi }),
  ("Interrupt=intx", settings { $0.interrupt = .intx }),
  ("Vectors=4", settings { $0.vectors = .first(4) }),
  ("Vectors=2048", settings { $0.vectors = .first(2048) }),
  ("Vectors=3-3", settings { $0.vectors = .listed([3]) }),
  ("Vectors=0 2-3,7", settings { $0.vectors = .listed([0, 2, 3, 7]) }),
  ("BusMaster=yes", settings { $0.isBusMaster = true }),
  ("Priority=40", settings { $0.dispatcher.policy = .fifo(40) }),
  ("Priority=99\nPolicy=fifo", settings { $0.dispatcher.policy = .fifo(99) }),
  ("Policy=rr\nPriority=1", settings { $0.dispatcher.policy = .roundRobin(1) }),
  ("Priority=40\nPolicy=other", settings { _ in }),
  ("Policy=other", settings { _ in }),
  ("CPUAffinity=0 2-3,5", settings { $0.dispatcher.processors = [0, 2, 3, 5] }),
  ("CPUAffinity=1\nCPUAffinity=1 2", settings { $0.dispatcher.processors = [1, 2] }),
  ("StackSize=64K", settings { $0.dispatcher.stackSize = 65536 }),
  ("StackSize=0x20000", settings { $0.dispatcher.stackSize = 131072 }),
  ("InterruptCPUAffinity=0-1 4", settings { $0.dispatcher.interruptProcessors = [0, 1, 4] }),
  ("MemoryLock=yes", settings { $0.dispatcher.locksMemory = true }),
  ("CPULatencySec=0", settings { $0.dispatcher.latencyLimit = .microseconds(0) }),
  ("CPULatencySec=20us", settings { $0.dispatcher.latencyLimit = .microseconds(20) }),
  ("WaitStrategy=adaptive", settings { $0.dispatcher.waiting = .adaptive() }),
  ("WaitStrategy=poll", settings { $0.dispatcher.waiting = .poll() }),
  ("WaitStrategy=block", settings { $0.dispatcher.waiting = .block }),
  ("WaitStrategy=automatic", settings { _ in }),
  ("SpinBudgetSec=20us", settings { $0.dispatcher.waiting = .adaptive(budget: .microseconds(20)) }),
  ("StormLimit=0", settings { $0.storm.limit = 0 }),
  ("StormLimit=5", settings { $0.storm.limit = 5 }),
  ("StormAction=back-off", settings { _ in }),
  ("StormAction=stay-masked", settings { $0.storm.action = .stayMasked }),
  ("StormAction=stay-masked\nStormDelaySec=5s", settings { $0.storm.action = .stayMasked }),
  ("StormShare=0", settings { $0.storm.share = 0 }),
  // What its owner writes brakes lines that do not say, too.
  ("StormShare=30", settings { $0.storm.share = 30 }),
  ("StormShare=100", settings { $0.storm.share = 100 }),
  (
    "StormDelaySec=20ms",
    settings { $0.storm.action = .backOff(first: .milliseconds(20), longest: .milliseconds(1000)) }
  ),
  (
    "StormDelaySec=5s",
    settings {
      $0.storm.action = .backOff(first: .milliseconds(5000), longest: .milliseconds(5000))
    }
  ),
  (
    "StormDelayMaxSec=1min",
    settings { $0.storm.action = .backOff(first: .milliseconds(10), longest: .milliseconds(60000)) }
  ),
  ("RepeatLimit=0", settings { $0.repeatLimit = 0 }),
  ("AcceptAnySuccess=yes", settings { $0.acceptsAnySuccess = true }),
  ("ConnectWithoutRoutines=on", settings { $0.connectsWithoutRoutines = true }),
  ("LockGroup=card-0", settings { $0.lockGroup = "card-0" }),
  ("DispatcherGroup=slow", settings { $0.dispatcherGroup = "slow" }),
  ("ObserveGroup=uio 1000", settings { $0.observeGroups = ["uio", "1000"] }),
  ("ControlGroup=uio\nControlGroup=_x", settings { $0.controlGroups = ["uio", "_x"] }),
])
func deviceKeyIsRead(text: String, expected: DeviceSettings) throws {
  #expect(try settings(text) == expected)
}

@Test(arguments: [
  ("Mode=al", "4:6: error: Mode=: \"al\" is none of all, normal, repeat", "did you mean all?"),
  ("Mode=Normal", "4:6: error: Mode=: \"Normal\" is none of", "did you mean normal?"),
  (
    "Interrupt=msx", "4:11: error: Interrupt=: \"msx\" is none of auto, intx, msi, msix",
    "did you mean msi"
  ),
  (
    "Vectors=0",
    "4:9: error: Vectors=: \"0\" is neither a number of vectors nor a list of vectors below 2048",
    "write how many"
  ),
  ("Vectors=3-1", "4:9: error: Vectors=: \"3-1\" is neither", "0-1 5"),
  ("Vectors=0-2048", "4:9: error: Vectors=: \"0-2048\" is neither", "0-1 5"),
  ("Vectors=-1", "4:9: error: Vectors=: \"-1\" is neither", "0-1 5"),
  ("BusMaster=maybe", "4:11: error: BusMaster=: \"maybe\"", "yes or no"),
  (
    "Rearm=maybe", "4:7: error: Rearm=: \"maybe\" is none of auto, irqcontrol, none, pci-command",
    "write auto, irqcontrol, none or pci-command"
  ),
  ("Policy=fifo", "4:8: error: Policy=: the policy needs a priority", "Priority="),
  ("Policy=rr", "4:8: error: Policy=: the policy needs a priority", "Priority="),
  ("Policy=idle", "4:8: error: Policy=: \"idle\" is none of fifo, other, rr", "fifo, other or rr"),
  ("Priority=0", "4:10: error: Priority=: \"0\" is not a number from 1 to 99", "from 1 to 99"),
  ("Priority=100", "4:10: error: Priority=: \"100\" is not a number from 1 to 99", "1 to 99"),
  ("Policy=fifo\nPriority=x", "5:10: error: Priority=: \"x\"", "1 to 99"),
  ("CPUAffinity=0 3-1", "4:15: error: CPUAffinity=: \"3-1\" is not a list", "0 2-3"),
  (
    "CPUAffinity=1024",
    "4:13: error: CPUAffinity=: \"1024\" is not a list of processors below 1024",
    "0 2-3"
  ),
  ("StackSize=1K", "4:11: error: StackSize=: \"1K\" is not a size from 64K to 64M", "1024"),
  ("InterruptCPUAffinity=x", "4:22: error: InterruptCPUAffinity=: \"x\" is not a list", "0 2-3"),
  ("MemoryLock=maybe", "4:12: error: MemoryLock=: \"maybe\"", "yes"),
  ("CPULatencySec=2s", "4:15: error: CPULatencySec=: ", "1s"),
  ("CPULatencySec=500ns", "4:15: error: CPULatencySec=: 500ns is not a whole number", "fraction"),
  ("StackSize=1T", "4:11: error: StackSize=: \"1T\"", "powers of 1024"),
  ("WaitStrategy=spin", "4:14: error: WaitStrategy=: \"spin\" is none of", "block or poll"),
  ("SpinBudgetSec=0", "4:15: error: SpinBudgetSec=: 0 is not between 1us and 1ms", "1us to 1ms"),
  ("SpinBudgetSec=1", "4:15: error: SpinBudgetSec=: 1 is not between 1us and 1ms", "1us to 1ms"),
  ("SpinBudgetSec=soon", "4:15: error: SpinBudgetSec=: \"soon\" is not a time span", "50us"),
  ("StormLimit=-1", "4:12: error: StormLimit=: \"-1\"", "0 to 4294967295"),
  ("StormLimit=4294967296", "4:12: error: StormLimit=: \"4294967296\"", "0 to 4294967295"),
  ("StormShare=101", "4:12: error: StormShare=: \"101\"", "0 to 100"),
  (
    "StormAction=mask", "4:13: error: StormAction=: \"mask\" is none of back-off, stay-masked",
    "write back-off or stay-masked"
  ),
  (
    "StormDelaySec=10us", "4:15: error: StormDelaySec=: 10us is not between 1ms and 1h", "1ms to 1h"
  ),
  (
    "StormDelaySec=1.5ms",
    "4:15: error: StormDelaySec=: 1.5ms is not a whole number of milliseconds",
    "without a fraction"
  ),
  ("StormDelayMaxSec=2h", "4:18: error: StormDelayMaxSec=: 2h is not between", "1ms to 1h"),
  (
    "StormDelaySec=1s\nStormDelayMaxSec=500ms", "5:18: error: StormDelayMaxSec=: 500ms is less",
    "at least 1s"
  ),
  ("RepeatLimit=many", "4:13: error: RepeatLimit=: \"many\"", "0 to 1000000000"),
  (
    "AcceptAnySuccess=maybe", "4:18: error: AcceptAnySuccess=: \"maybe\" is neither yes nor no",
    "yes or no"
  ),
  ("ConnectWithoutRoutines=2", "4:24: error: ConnectWithoutRoutines=: \"2\"", "yes or no"),
  ("LockGroup=a b", "4:11: error: LockGroup=: \"a b\" is not a name", "letters"),
  ("DispatcherGroup=a/b", "4:17: error: DispatcherGroup=: \"a/b\" is not a name", "letters"),
  ("LockGroup=0a", "4:11: error: LockGroup=: \"0a\" is not a name", "letters"),
  ("ObserveGroup=a:b", "4:14: error: ObserveGroup=: \"a:b\" is not the name of a group", "number"),
  ("ControlGroup=ok 4294967295", "4:17: error: ControlGroup=: \"4294967295\"", "number"),
  ("ControlGroup=\"\"", "4:14: error: ControlGroup=: \"\"", "number"),
  ("Priotity=3", "4:1: error: [Device] has no key Priotity=", "did you mean Priority=?"),
  ("Claim=bar0:0", "4:1: error: [Device] has no key Claim=", "Claim= belongs in [Routine]"),
  ("Quux=1", "4:1: error: [Device] has no key Quux=", "manual page"),
  ("[Devise]", "4:1: error: there is no section [Devise]", "did you mean Device?"),
  (
    "[Daemon]\nLogLevel=x", "4:1: error: there is no section [Daemon]",
    "write Device, Match or Routine"
  ),
])
func deviceFaultsAreToldWithTheirPlace(text: String, fault: String, hint: String) throws {
  let faults = try deviceFaults("[Match]\nId=*\n[Device]\n\(text)\n")
  #expect(faults.count == 1, "\(faults)")
  #expect(faults.first?.hasPrefix(fault) == true, "\(faults)")
  #expect(faults.first?.contains(hint) == true, "\(faults)")
}

@Test func deviceValueThatDoesNotCountIsNotRead() throws {
  #expect(try settings("Mode=nonsense\nMode=all").mode == .all)
  #expect(
    try settings("CPUAffinity=nonsense\nCPUAffinity=\nCPUAffinity=1").dispatcher.processors == [1])
}

@Test func aBudgetOfSpinningIsForTheAdaptiveStrategyAlone() throws {
  let match = "[Match]\nSoftwareLine=soft\n[Device]\n"
  for strategy in ["block", "poll", "automatic"] {
    let faults = try deviceFaults(match + "WaitStrategy=\(strategy)\nSpinBudgetSec=50us\n")
    #expect(faults.count == 1 && faults[0].contains("only WaitStrategy=adaptive has a budget"))
  }
  #expect(try deviceFaults(match + "WaitStrategy=adaptive\nSpinBudgetSec=50us\n") == [])
}
