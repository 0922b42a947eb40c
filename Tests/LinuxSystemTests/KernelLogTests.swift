// The kernel's log, from records as /dev/kmsg hands them out.
import Glibc
import Testing
import TestSupport

@testable import LinuxSystem

@Test func recordsOfTheKernelsLogAreMessages() throws {
  let folder = try TemporaryFolder()
  try folder.write(
    "kmsg",
    """
    6,100,2500000,-;first; with a semicolon
     SUBSYSTEM=pci
     DEVICE=+pci:0000:01:00.0
    4,101,3000001,c,caller=T1;second
    no record
    x,y;z
    """)
  #expect(
    try KernelLog.messages(folder.path("kmsg")) == [
      KernelMessage(time: .milliseconds(2500), text: "first; with a semicolon"),
      KernelMessage(time: .microseconds(3_000_001), text: "second"),
    ])
}

@Test func aLogThatMayNotBeReadIsAnError() {
  #expect(throws: SystemError.self) { try KernelLog.messages("/nowhere/kmsg") }
}
