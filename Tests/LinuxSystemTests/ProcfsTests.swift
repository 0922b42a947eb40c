// Interrupts and their threads, as /proc shows them.
import Foundation
import Testing

@testable import LinuxSystem

/// A tree like /proc, removed with the test.
private final class FakeProc {
  let path = "/tmp/procfs-\(UUID().uuidString)"
  var procfs: Procfs { Procfs(root: path) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to file: String) throws {
    let url = URL(fileURLWithPath: "\(path)/\(file)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// proc_pid_stat(5) up to the field behind the real-time priority.
  func thread(_ pid: Int, _ name: String, priority: Int) throws {
    let between = Array(repeating: "0", count: 36).joined(separator: " ")
    try write("\(pid) (\(name)) S \(between) \(priority) 1 0\n", to: "\(pid)/stat")
  }
}

@Test func fact53_thePriorityOfAnInterruptsThreadIsFound() throws {
  let proc = FakeProc()
  try proc.thread(12, "irq/17-edu", priority: 50)
  try proc.thread(13, "irq/170-other", priority: 90)
  try proc.thread(14, "irq/18-a) (b", priority: 33)
  try proc.thread(15, "bash", priority: 0)
  try proc.write("no such thing", to: "16/stat")
  #expect(proc.procfs.priority(ofInterruptThread: 17) == 50)
  #expect(proc.procfs.priority(ofInterruptThread: 18) == 33)
  #expect(proc.procfs.priority(ofInterruptThread: 1) == nil)
  // Two that share the interrupt: the lower one decides.
  try proc.thread(17, "irq/17-second", priority: 40)
  #expect(proc.procfs.priority(ofInterruptThread: 17) == 40)
}

@Test func theInterruptOfARequestIsFoundByItsName() throws {
  let proc = FakeProc()
  try proc.write("", to: "irq/17/edu/.keep")
  try proc.write("", to: "irq/18/smp_affinity_list")
  try proc.write("", to: "irq/19/twice/.keep")
  try proc.write("", to: "irq/20/twice/.keep")
  #expect(proc.procfs.interrupt(requestedBy: "edu") == 17)
  #expect(proc.procfs.interrupt(requestedBy: "twice") == nil)
  #expect(proc.procfs.interrupt(requestedBy: "none") == nil)
  #expect(proc.procfs.interrupt(requestedBy: "") == nil)
  #expect(proc.procfs.interrupt(requestedBy: "../18") == nil)
}

@Test func fact54_threadirqsIsReadFromTheCommandLine() throws {
  let proc = FakeProc()
  #expect(!proc.procfs.forcesInterruptThreads)
  try proc.write("root=/dev/vda nothreadirqs quiet\n", to: "cmdline")
  #expect(!proc.procfs.forcesInterruptThreads)
  try proc.write("root=/dev/vda quiet threadirqs\n", to: "cmdline")
  #expect(proc.procfs.forcesInterruptThreads)
}

@Test func anInterruptIsRoutedByItsList() throws {
  let proc = FakeProc()
  try proc.write("", to: "irq/17/smp_affinity_list")
  #expect(proc.procfs.route(interrupt: 17, to: [3, 1]) == 0)
  #expect(
    try String(contentsOfFile: "\(proc.path)/irq/17/smp_affinity_list", encoding: .utf8) == "1,3")
  #expect(proc.procfs.route(interrupt: 18, to: [1]) == -ENOENT)
}

@Test func V6_theNamesOfTheControllersSayWhetherInterruptsAreRemapped() throws {
  let proc = FakeProc()
  #expect(proc.procfs.remapsInterrupts == nil)
  try proc.write("  1:  9  IO-APIC  1-edge  i8042\n", to: "interrupts")
  #expect(proc.procfs.remapsInterrupts == false)
  try proc.write("  1:  9  IR-IO-APIC  1-edge  i8042\n", to: "interrupts")
  #expect(proc.procfs.remapsInterrupts == true)
  try proc.write(" 11:  9  GICv3  27 Level  arch_timer\n", to: "interrupts")
  #expect(proc.procfs.remapsInterrupts == nil)
}
