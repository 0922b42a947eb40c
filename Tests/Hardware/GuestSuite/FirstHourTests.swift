// The first hour of a new user: the commands and programs of the pages, taken from them by
// Tests/FirstHour, on a machine with one edu, and the interrupts that come of them counted.
import Glibc
import LinuxSystem
import UIO

enum FirstHourTests {
  static let cases = [
    Case("bindByVendorAndDeviceNamesTheCardsThatHaveThem", ambiguous),
    Case("newPrintsAFileThatTheDaemonAccepts", template),
    Case("firstHourWithAFileCountsAnInterrupt") { try withOneEdu(configuration) },
    Case("firstHourInSwiftCountsItsInterrupts") { try withOneEdu(swift) },
    Case("firstHourInCCountsItsInterrupts") { try withOneEdu { try counts("c") } },
    Case("firstHourInCPlusPlusCountsItsInterrupts") { try withOneEdu { try counts("c++") } },
  ]

  /// The kind that the pages name.
  private static let edu = "1234:11e8"
  private static let id = "pci-\(Guest.eduA)"
  private static let file = "/etc/interruptsync/devices/50-1234-11e8.device"

  /// Runs `body` on a machine whose only edu is the first one, bound to no driver of UIO.
  private static func withOneEdu(_ body: () throws -> Void) throws {
    try InstalledService.prepare()
    for address in [Guest.eduB, Guest.eduC] {
      Guest.write("1", to: "\(Guest.pci(address))/remove")
    }
    defer {
      _ = try? Guest.shell("systemctl stop \(InstalledService.unit) \(InstalledService.socket)")
      unlink(file)
      Guest.write("1", to: "/sys/bus/pci/rescan")
      for address in [Guest.eduA, Guest.eduB, Guest.eduC] { try? Guest.bind(address) }
    }
    try body()
  }

  private static func text(_ name: String) throws -> String {
    try FileDescriptor.openText("first-hour/\(name)")
  }

  private static func commands(_ name: String) throws -> [String] {
    try text(name).split(separator: "\n").map(String.init)
  }

  /// A command of a page: as root after `sudo`, otherwise as a member of the group uio who is no more.
  private static func shell(_ command: String) throws -> String {
    if command.hasPrefix("sudo ") { return String(command.dropFirst("sudo ".count)) }
    let group = try Guest.shell("getent group uio | cut -d: -f3")
    return "setpriv --reuid 65534 --regid 65534 --groups \(group) \(command)"
  }

  // MARK: The command line

  private static func ambiguous() throws {
    try Packages.install()
    let before = [Guest.eduA, Guest.eduB, Guest.eduC].map(Guest.driver)
    try Control.fail(
      "bind \(edu)",
      [
        "3 PCI functions have this vendor and device: \(Guest.eduA), \(Guest.eduB), \(Guest.eduC)",
        "hint: name one of them by its address",
      ])
    try expectEqual([Guest.eduA, Guest.eduB, Guest.eduC].map(Guest.driver), before, "drivers")
    let list = try Control.run("list --all")
    for (address, words) in [(Guest.eduA, "done"), (Guest.serial, "pci-serial")] {
      let line = list.split(separator: "\n").first { $0.hasPrefix("pci-\(address) ") }
      try expect(line != nil, "\(address) is not in \(list)")
      if address == Guest.eduA { try expect(line?.contains(" \(words) ") == true, list) }
    }
    try expect(!list.contains("bridge"), list)
  }

  private static func template() throws {
    try Packages.install()
    for address in [Guest.eduA, Guest.serial, Guest.hda, Guest.testdev, Guest.ac97] {
      try Guest.shell("interruptsyncctl new pci-\(address) >/tmp/new.device")
      try Guest.shell("interruptsyncd --check-config /tmp/new.device")
    }
    let text = try Control.run("new \(id)")
    for words in ["PCIDevice=1234:11e8", "INTx, pin A", "MSI: 1 message", "bar0  1 MiB of memory"] {
      try expect(text.contains(words), "\(words) is not in \(text)")
    }
    try expect(try Control.run("new hpet").contains("Id=platform-"), "the HPET's file")
  }

  // MARK: The pages

  private static func configuration() throws {
    try Control.run("unbind \(id)")
    try Guest.shell("systemctl start \(InstalledService.socket) \(InstalledService.unit)")
    // What the page says to write in the editor.
    try Guest.create(
      "#!/bin/sh\ncp /t/first-hour/configuration/50-1234-11e8.device \"$1\"", at: "/tmp/editor")
    chmod("/tmp/editor", 0o755)
    let client = try InstalledService.client()
    var watch: Program?
    for command in try commands("configuration/run") {
      if command.contains(" transact ") {
        try Guest.waitFor("the device to be connected") { client.state(edu) == "connected" }
        let words = try shell(try commands("configuration/watch")[0])
        watch = try Program(["-c", "exec timeout 60 \(words)"], program: "/bin/sh")
        try watch?.waitForText("watching \(edu)")
      }
      let said = try Guest.shell("VISUAL=/tmp/editor \(shell(command))")
      if command.hasSuffix("list --all") {
        let line = said.split(separator: "\n").first { $0.hasPrefix("\(id) ") }
        try expect(line?.contains(" \(edu) ") == true && line?.contains(" safe ") == true, said)
      }
    }
    try watch?.waitForText("interrupts=1 dispatches=1 claimed=yes")
    watch?.send(SIGTERM)
    _ = watch?.wait()
    try expectEqual(
      try Guest.text(file), try text("configuration/50-1234-11e8.device").dropLast().description,
      "the file")
    try expectEqual(try client.interrupts(edu), 1, "interrupts of \(edu)")
    try expectEqual(try client.claimed(id), 1, "claimed interrupts of \(id)")
    try expectEqual(
      try Guest.event(Guest.open(Guest.eduA)), 1, "interrupts that the kernel counted")
  }

  /// Starts a page's program as the page says.
  private static func start(_ name: String) throws -> Program {
    // udev gives the card's files to the group.
    try Guest.shell("udevadm settle")
    let commands = try commands("\(name)/run")
    try expectEqual(commands.count, 1, "commands that run \(name)")
    let words = try shell(commands[0])
    return try Program(
      ["-c", "cd first-hour/\(name) && exec stdbuf -oL \(words)"], program: "/bin/sh")
  }

  /// Ends it as Ctrl-C does; it must have counted what the kernel counted.
  private static func end(_ program: Program, _ count: UInt32, since before: UInt32) throws {
    program.send(SIGINT)
    try expectEqual(program.wait(), 0, "exit status; it said: \(program.text)")
    let last = program.text.split(separator: "\n").last
    try expectEqual(last, "\(count) interrupts", "last line of \(program.text)")
    try expectEqual(
      try Guest.event(Guest.open(Guest.eduA)) &- before, count, "interrupts that the kernel counted"
    )
  }

  private static func swift() throws {
    try Guest.bind(Guest.eduA)
    let before = try Guest.event(Guest.open(Guest.eduA))
    let program = try start("swift")
    try program.waitForText("12! = 479001600\n")
    try expect(program.text.hasPrefix("1! = 1\n2! = 2\n3! = 6\n"), program.text)
    try end(program, 12, since: before)
  }

  private static func counts(_ name: String) throws {
    try Guest.bind(Guest.eduA)
    let device = try Guest.open(Guest.eduA)
    let registers = try device.region(bar: 0)
    try registers.write32(.max, at: Edu.acknowledge)
    let before = try Guest.event(device)
    let program = try start(name)
    // An interrupt before the program is connected would be the kernel's alone. It is connected once its
    // main thread is in sigwait(3): rt_sigtimedwait is call 128 of x86-64.
    try Guest.waitFor("\(name) to wait for a signal; it says: \(program.text)") {
      try Guest.text("/proc/\(program.id)/syscall").hasPrefix("128 ")
    }
    do {
      for value in 1...10 { try InstalledService.raise(registers, UInt32(value)) }
    } catch { throw Failure(description: "\(error); it said: \(program.text)") }
    try end(program, 10, since: before)
  }
}
