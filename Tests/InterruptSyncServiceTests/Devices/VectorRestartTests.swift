// Vectors of VFIO over a restart of the daemon: what the service manager keeps of them, and what the next process
// counts. The manager is a socket, the kernel a fake that goes on without a process as the real one does.
import Glibc
import InterruptSync
import LinuxSystem
import TestSupport
import Testing
import VFIO

@testable import InterruptSyncService

private let id = "pci-0000:01:00.0"
private let stored = "pci-0000%3a01%3a00.0"
private let files = "[Match]\nId=\(id)\n[Device]\nVectors=2\n[Routine]\n"

private let all = [
  "state", "vfio-container-\(stored)", "vfio-device-\(stored)", "vfio-group-\(stored)",
  "vfio-line-\(stored)%2fmsix0", "vfio-line-\(stored)%2fmsix1",
]

/// A service manager that keeps what it is given. It reads on a thread of its own, as a socket holds few messages.
private final class Store: Sendable {
  private struct State {
    var kept: [(name: String, file: FileDescriptor)] = []
    var hasEnded = false
  }

  private let receiver: FakeReceiver
  private let state = Guarded(State())

  init() throws {
    receiver = try FakeReceiver()
    let (receiver, state) = (receiver, state)
    try WorkerThread(name: "manager", stackSize: 256 * 1024) {
      while !state.withLock({ $0.hasEnded }) {
        guard let message = receiver.next(within: 20) else { continue }
        state.withLock { Self.take(message, &$0) }
      }
    }.detach()
  }

  deinit { state.withLock { $0.hasEnded = true } }

  private static func take(_ message: FakeReceiver.Message, _ state: inout State) {
    guard let name = message.lines.first(where: { $0.hasPrefix("FDNAME=") })?.dropFirst(7) else {
      return
    }
    if message.lines.contains("FDSTOREREMOVE=1") { state.kept.removeAll { $0.name == name } }
    if message.lines.contains("FDSTORE=1"), let file = message.descriptors.first {
      state.kept.append((String(name), file))
    }
  }

  /// Waits until it keeps these.
  func waitFor(_ names: [String]) throws {
    try eventually("\(names), there are \(self.names)") { self.names == names }
  }

  var names: [String] { state.withLock { $0.kept.map(\.name) }.sorted() }

  /// What the next process gets.
  private func hand() throws -> InheritedDescriptors {
    let kept = state.withLock { $0.kept }
    let first = try descriptorsInARow(kept.map(\.file))
    let variables = [
      "LISTEN_FDS": "\(kept.count)", "LISTEN_PID": "\(getpid())",
      "LISTEN_FDNAMES": kept.map(\.name).joined(separator: ":"),
    ]
    return InheritedDescriptors(ServiceEnvironment(variables), first: first)
  }

  /// Starts a process of the daemon.
  func start(_ fake: FakeVFIO, _ text: String = files) throws -> VectorBench {
    try VectorBench(
      text, fake, ServiceEnvironment(receiver.environment()), names.isEmpty ? nil : hand())
  }
}

extension VectorBench {
  /// Ends the process in order.
  func end() {
    registry.outlive()
    _ = registry.disconnectAll()
    registry.end()
  }

  var continued: Int { registry.devices.count(where: \.isContinued) }

  func waitForCount(_ count: UInt64, _ vector: Int = 0) throws {
    let device = try device("\(id)/msix\(vector)")
    try eventually("interrupt \(count)") { device.statistics.interrupts == count }
  }
}

@Suite(.serialized) struct VectorRestartTests {
  @Test func V37_theManagerKeepsTheFunctionAndTheCountOfEachVector() throws {
    let store = try Store()
    let bench = try store.start(FakeVFIO())
    try store.waitFor(all)
    bench.end()
  }

  @Test func V37_messagesBetweenTwoProcessesAreCounted() throws {
    let store = try Store()
    let fake = try FakeVFIO()
    var bench = try store.start(fake)
    fake.interrupt(0)
    try bench.waitForCount(1)
    bench.end()
    try store.waitFor(all)
    // No process has the device open, and it interrupts.
    for _ in 0..<3 { #expect(fake.interrupt(0)) }
    #expect(fake.interrupt(1))
    let opens = fake.log
    bench = try store.start(fake)
    #expect(bench.states == ["\(id)/msix0 connected", "\(id)/msix1 connected"])
    try bench.waitForCount(4)
    try bench.waitForCount(1, 1)
    // The range was not enabled again, which would have taken all vectors away.
    #expect(fake.log == opens + ["give 0", "give 1"])
    #expect(bench.continued == 2)
    bench.end()
  }

  /// A process that is killed has read messages that it did not write down, and others are not read.
  @Test func V37_whatAKilledProcessReadIsCounted() throws {
    let store = try Store()
    let fake = try FakeVFIO()
    try fake.folder.folder("sys/bus/pci/devices/\(FakeVFIO.address)/msi_irqs/40")
    try fake.folder.write("sys/kernel/irq/40/actions", "vfio-msix[0](\(FakeVFIO.address))\n")
    var bench = try store.start(fake)
    for count in 1...3 {
      fake.interrupt(0)
      try bench.waitForCount(UInt64(count))
    }
    bench.registry.outlive()
    _ = bench.registry.disconnectAll()
    try store.waitFor(all)
    for _ in 0..<2 { fake.interrupt(0) }
    try fake.folder.write("sys/kernel/irq/40/per_cpu_count", "2,0,3\n")
    bench = try store.start(fake)
    try bench.waitForCount(5)
    #expect(try bench.device("\(id)/msix0").totals?.count == 5)
    // The next one counts none of them again.
    bench.registry.outlive()
    _ = bench.registry.disconnectAll()
    bench = try store.start(fake)
    #expect(try bench.device("\(id)/msix0").statistics.interrupts == 5)
    bench.end()
  }

  @Test func V35_aReturnedFunctionLeavesTheManager() throws {
    let store = try Store()
    let bench = try store.start(FakeVFIO())
    try bench.waitForReturn()
    bench.registry.opener.functions.releaseClosed()
    try store.waitFor(["state"] + all.suffix(2))
    bench.registry.removed(bench.function.pci.address)
    try store.waitFor(["state"])
  }

  @Test func aFunctionThatIsServicedNoLongerLeavesTheManager() throws {
    let store = try Store()
    let bench = try store.start(FakeVFIO())
    try bench.reload("[Match]\nId=other\n[Routine]\n")
    bench.registry.opener.functions.releaseClosed()
    try store.waitFor(["state"])
    #expect(bench.fake.links == 0)
  }

  /// The manager closes its descriptors when it has read the message, and until then the group is busy.
  @Test func aFunctionIsOpenedAgainOnceTheManagerHasClosedIt() throws {
    let store = try Store()
    let fake = try FakeVFIO { $0.counts = [1: 1, 2: 4] }
    let bench = try store.start(fake)
    try store.waitFor(all)
    fake.state.withLock { ($0.opening, $0.enabled) = (-EBUSY, nil) }
    bench.registry.apply(
      try VectorBench.files(files.replacing("Vectors=2", with: "Interrupt=msi")))
    try store.waitFor(["state"])
    fake.state.withLock { $0.opening = 0 }
    bench.settle()
    #expect(bench.states == ["\(id)/msi0 connected"])
    bench.end()
  }

  @Test func anotherKindOfInterruptAfterARestartIsEnabledAnew() throws {
    let store = try Store()
    let fake = try FakeVFIO { $0.counts = [1: 1, 2: 4] }
    try store.start(fake).end()
    try store.waitFor(all)
    let bench = try store.start(fake, files.replacing("Vectors=2", with: "Interrupt=msi"))
    #expect(bench.states == ["\(id)/msi0 connected"])
    #expect(fake.log.suffix(3) == ["disable", "enable 1", "give 0"])
    fake.interrupt(0)
    let device = try bench.device("\(id)/msi0")
    try eventually("the message") { device.statistics.interrupts == 1 }
    bench.end()
  }

  @Test func descriptorsOfAnotherFunctionAreNotUsed() throws {
    let store = try Store()
    let fake = try FakeVFIO()
    try store.start(fake).end()
    try store.waitFor(all)
    // Vendor and device of another one.
    fake.write([0x34, 0x12, 0x06, 0x00], at: 0)
    let bench = try store.start(fake)
    #expect(bench.states == ["\(id)/msix0 connected", "\(id)/msix1 connected"])
    #expect(bench.continued == 0)
    bench.end()
  }
}
