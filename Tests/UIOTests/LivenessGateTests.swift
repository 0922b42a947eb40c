// The gate that register accesses ask: how often it asks the kernel, and that it never opens again.
import Glibc
import Testing

@testable import UIO

private let ever: UInt64 = .max

@Test func fact29_theGateBelievesAnAnswerForItsInterval() {
  let node = MortalNode()
  let patient = LivenessGate(device: node.file, hasInterrupt: true, for: ever)
  let curious = LivenessGate(device: node.file, hasInterrupt: true, for: 0)
  #expect(patient.isOpen && curious.isOpen)
  node.kill()
  #expect(patient.isOpen)
  #expect(!curious.isOpen)
  #expect(!patient.probe())
  #expect(!patient.isOpen)
}

@Test func aShutGateStaysShut() throws {
  let gate = LivenessGate(device: try FakeNode.alive(), hasInterrupt: true, for: 0)
  #expect(gate.isOpen && gate.probe())
  gate.shut()
  #expect(!gate.isOpen)
  #expect(!gate.probe())
}

@Test func fact16_aDeviceWithoutInterruptIsAskedThroughIrqcontrol() throws {
  let node = FakeNode.unbound()
  let gate = LivenessGate(device: node, hasInterrupt: false, for: 0)
  FakeNode.irqControl(answers: EIO) { #expect(gate.isOpen) }
  FakeNode.irqControl(answers: EINVAL) { #expect(!gate.isOpen) }
  FakeNode.irqControl(answers: EIO) { #expect(!gate.isOpen) }
}

@Test func fact21_aDescriptorInErrorIsDeadAndNoOther() throws {
  let (dead, alive, mortal) = (FakeNode.unbound(), try FakeNode.alive(), MortalNode())
  #expect(LivenessGate.isDead(dead.raw))
  #expect(LivenessGate.isDead(9999), "not open at all")
  #expect(!LivenessGate.isDead(alive.raw))
  #expect(!LivenessGate.isDead(mortal.file.raw))
  mortal.kill()
  #expect(LivenessGate.isDead(mortal.file.raw))
}
