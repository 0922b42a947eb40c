// The control thread goes on while functions of VFIO are opened and closed, and what waits for one is done when it is
// open. The kernel is a fake that opens when the test lets it.
import DeviceIdentity
import Glibc
import LinuxSystem
import TestSupport
import Testing
import VFIO

@testable import InterruptSyncService

private let id = "pci-0000:01:00.0"
private let match = "[Match]\nId=\(id)\n"
private let none = "[Match]\nId=other\n[Routine]\n"

/// A bench whose function takes until `gate` opens to be opened.
private func slowBench() throws -> (bench: VectorBench, gate: Gate) {
  let gate = Gate()
  let bench = try VectorBench(none)
  // Every negative descriptor waits at the gate.
  bench.fake.whileOpening.withLock { $0 = { gate.close(-1) } }
  return (bench, gate)
}

@Suite(.serialized) struct VectorOpeningTests {
  @Test func theControlThreadGoesOnWhileAFunctionIsOpened() throws {
    let (bench, gate) = try slowBench()
    defer { gate.open() }
    bench.registry.apply(try VectorBench.files(match + "[Routine]\n"))
    // Here: it has not waited. The function is there, and nothing of it is open.
    #expect(bench.states == ["\(id) listed"])
    var settled = 0
    bench.registry.opener.functions.whenSettled { settled += 1 }
    var answers: [(any Error)?] = []
    let device = try bench.device(id)
    for _ in 0..<2 { bench.registry.connect(device) { answers.append($0) } }
    #expect(answers.isEmpty && settled == 0)
    gate.open()
    bench.settle()
    #expect(bench.states == (0..<4).map { "\(id)/msix\($0) connected" })
    // The function was opened once, and is another device by then for those who came later.
    #expect(bench.fake.log.count { $0 == "enable 4" } == 1)
    #expect(answers.count == 2 && settled == 1)
    bench.registry.end()
  }

  @Test func whatComesMeanwhileIsFollowedOnceAFunctionIsOpen() throws {
    let (bench, gate) = try slowBench()
    defer { gate.open() }
    bench.registry.apply(try VectorBench.files(match + "[Routine]\n"))
    bench.registry.apply(try VectorBench.files(match + "[Device]\nVectors=1\n[Routine]\n"))
    gate.open()
    bench.settle()
    #expect(bench.states == ["\(id)/msix0 connected"])
    bench.registry.end()
  }

  @Test func aFunctionThatNoFileConfiguresAnyMoreIsClosedOnceItIsOpen() throws {
    let (bench, gate) = try slowBench()
    defer { gate.open() }
    bench.registry.apply(try VectorBench.files(match + "[Routine]\n"))
    bench.registry.apply(try VectorBench.files(none))
    gate.open()
    bench.settle()
    #expect(bench.states == ["\(id) listed"])
    #expect(bench.fake.links == 0)
  }

  @Test func aFunctionThatAppearsIsOpenedAsItsLatestFileSays() throws {
    let (bench, gate) = try slowBench()
    defer { gate.open() }
    let function = bench.function
    bench.registry.removed(function.pci.address)
    bench.registry.apply(try VectorBench.files(match + "[Routine]\n"))
    bench.registry.arrived(function)
    bench.registry.apply(try VectorBench.files(match + "[Device]\nVectors=2\n[Routine]\n"))
    gate.open()
    bench.settle()
    #expect(bench.states == (0..<2).map { "\(id)/msix\($0) connected" })
    bench.registry.end()
  }

  @Test func whoWaitsForAFunctionThatDoesNotOpenLearnsWhy() throws {
    let (bench, gate) = try slowBench()
    defer { gate.open() }
    bench.fake.state.withLock { $0.opening = -EBUSY }
    bench.registry.apply(try VectorBench.files(match + "[Routine]\n"))
    var answers: [UIOError?] = []
    bench.registry.connect(try bench.device(id)) { answers.append($0 as? UIOError) }
    gate.open()
    bench.settle()
    #expect(bench.states == ["\(id) failed"])
    #expect(answers.count == 1 && answers[0]?.code == .busy)
  }

  @Test func aVectorWhoseFunctionWasClosedOpensItAgain() throws {
    let bench = try VectorBench(match + "[Device]\nVectors=1\n[Routine]\n")
    let device = try bench.device("\(id)/msix0")
    bench.registry.disconnect(device)
    device.close()
    device.releaseObject()
    bench.settle()
    #expect(bench.fake.links == 0)
    bench.fake.state.withLock { $0.enabled = nil }
    try bench.connect(device)
    #expect(device.state == .connected)
    bench.registry.end()
  }

  @Test func theThreadDoesItsWorkInOrderAndThenEnds() throws {
    let done = Guarded<[Int]>([])
    var thread: OpeningThread? = try OpeningThread()
    let gate = Gate()
    thread?.run { gate.close(-1) }
    for number in 0..<100 { thread?.run { done.withLock { $0.append(number) } } }
    #expect(done.withLock { $0.isEmpty })
    gate.open()
    thread?.drain()
    #expect(done.withLock { $0 } == Array(0..<100))
    for number in 100..<200 { thread?.run { done.withLock { $0.append(number) } } }
    thread = nil
    try eventually("the rest") { done.withLock { $0.count } == 200 }
  }
}
