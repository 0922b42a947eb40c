// Every command of interruptsyncctl, run as a process against a daemon with software lines.
import Glibc
import Testing
import Varlink

@testable import interruptsyncctl

private func parse(_ text: String) throws -> JSONObject {
  try #require(JSONParser.parse(text).object)
}

@Test func listShowsWhatThereIs() throws {
  let daemon = try Daemon("beat", "pulse")
  let ran = try daemon.run("$ctl list")
  #expect(ran.status == 0)
  #expect(ran.complaint == "")
  let lines = ran.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  try #require(lines.count == 3)
  #expect(lines[0].prefix(3) == ["DEVICE", "NODE", "STATE"])
  #expect(lines[1].prefix(3) == ["beat", "-", "connected"])
  #expect(lines[2].prefix(3) == ["pulse", "-", "connected"])
  #expect(try daemon.run("$ctl list --no-legend").output.split(separator: "\n").count == 2)
  let object = try parse(daemon.run("$ctl list --json").output)
  let ids = object["devices"]?.array?.compactMap { $0.object?["id"]?.string }
  #expect(ids == ["beat", "pulse"])
}

@Test func statusTellsRunningServicedAndUnknown() throws {
  let daemon = try Daemon("beat")
  let all = try daemon.run("$ctl status")
  #expect(all.status == 0)
  #expect(all.output == "running: 1 device, 1 serviced\n")
  #expect(try parse(daemon.run("$ctl status --json").output)["running"] == true)
  #expect(try daemon.run("$ctl status beat").output == "beat: connected\n")
  let quiet = try daemon.run("$ctl status -q beat")
  #expect(quiet.status == 0)
  #expect(quiet.output == "")
  let unknown = try daemon.run("$ctl status nosuch")
  #expect(unknown.status == 4)
  #expect(unknown.complaint.contains("hint: "))
  #expect(try daemon.run("$ctl disconnect beat").status == 0)
  let off = try daemon.run("$ctl status beat")
  #expect(off.status == 3)
  #expect(off.output == "beat: listed\n")
}

@Test func disconnectAndConnectChangeTheState() throws {
  let daemon = try Daemon("beat")
  #expect(try daemon.run("$ctl disconnect beat && $ctl connect beat").status == 0)
  #expect(try daemon.run("$ctl status -q beat").status == 0)
  let again = try daemon.run("$ctl connect beat")
  #expect(again.status == 1)
  #expect(again.complaint.contains("connected already"))
}

@Test func infoDescribesTheDevice() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run("$ctl info beat")
  #expect(ran.output.contains("Device:    beat\n"))
  #expect(ran.output.contains("Mode:      normal\n"))
  let object = try parse(daemon.run("$ctl info -j beat").output)
  #expect(object["device"]?.object?["state"] == "connected")
  #expect(try daemon.run("$ctl info nosuch").status == 1)
}

@Test func triggeredInterruptsAreInTheStatistics() throws {
  let daemon = try Daemon("beat")
  #expect(try daemon.run("$ctl trigger beat -n 7").status == 0)
  // The dispatcher has a thread of its own: the shell waits for it.
  let text = try daemon.run(
    "for i in $(seq 6000); do $ctl stats beat | grep -q '^Interrupts: *7$' && break; sleep 0.01; done; "
      + "$ctl stats beat")
  #expect(text.output.contains("Interrupts:          7\n"))
  #expect(text.output.contains("software"))
  let object = try parse(daemon.run("$ctl stats --json").output)
  #expect(object["statistics"]?.array?.first?.object?["interrupts"] == 7)
  #expect(try daemon.run("$ctl stats").output.contains("INTERRUPTS"))
  #expect(try daemon.run("$ctl trigger nosuch").status == 1)
}

@Test func watchOfDevicesShowsChanges() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run(
    "$ctl watch --json -n 2 | while read -r line; do echo \"$line\"; "
      + "case $line in *present*) $ctl disconnect beat;; esac; done")
  #expect(ran.output.contains(#""event":"present""#))
  #expect(ran.output.contains(#""event":"changed""#))
  #expect(ran.output.contains(#""state":"listed""#))
}

@Test(arguments: ["", "--all"])
func watchOfADeviceShowsInterrupts(flag: String) throws {
  let daemon = try Daemon("beat")
  // Triggers until the watcher has seen one, since the test cannot know when it began to watch.
  let ran = try daemon.run(
    "$ctl watch beat \(flag) --json -n 1 & p=$!; "
      + "while kill -0 $p 2>/dev/null; do $ctl trigger beat -n 3; done; wait $p")
  #expect(ran.status == 0)
  let object = try parse(ran.output)
  #expect((object["interrupts"]?.uint64 ?? 0) % 3 == 0)
  #expect(object["claimed"] == true)
  #expect(object["captured"]?.object?.isEmpty == true)
}

@Test(arguments: ["", "--all"])
func watchHasOneKindOfTimeInEveryFormat(flag: String) throws {
  let daemon = try Daemon("beat")
  func watch(_ options: String) throws -> Ran {
    try daemon.run(
      "$ctl watch beat \(flag) \(options) -n 1 & p=$!; "
        + "while kill -0 $p 2>/dev/null; do $ctl trigger -q beat; done; wait $p")
  }
  let short = try watch("--output=short")
  #expect(short.output.contains(/^\d\d:\d\d:\d\d\.\d{6} [a-z]+=/), "\(short.output)")
  #expect(short.complaint.contains("watching beat; Ctrl-C ends it\n"))
  #expect(try !watch("-q").complaint.contains("watching"))
  let before = Moment.now.text
  for options in ["--output=json", "-o json-pretty", "--json"] {
    let ran = try watch(options)
    let time = try #require(try parse(ran.output)["time"]?.string)
    // RFC 3339 in UTC sorts as text.
    #expect(before < time && time < Moment.now.text, "\(before) \(time)")
    #expect((ran.output.split(separator: "\n").count > 1) == options.contains("pretty"))
  }
}

@Test func waitForInterruptsEndsWithThem() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run(
    "$ctl wait beat --for interrupt -n 3 --timeout 60 & p=$!; "
      + "while kill -0 $p 2>/dev/null; do $ctl trigger beat; done; wait $p")
  #expect(ran.status == 0)
  let late = try daemon.run("$ctl wait beat --for interrupt --timeout 50ms")
  #expect(late.status == 1)
  #expect(late.complaint.contains("no interrupt came in time"))
}

@Test func waitForTheDaemonAndADeviceIsMetAtOnceOrInTime() throws {
  let daemon = try Daemon("beat")
  #expect(try daemon.run("$ctl wait; $ctl wait beat; $ctl wait beat --for present").status == 0)
  #expect(try daemon.run("$ctl wait nosuch --timeout 50ms").status == 1)
  let ran = try daemon.run(
    "$ctl disconnect beat; $ctl wait beat --timeout 60 & p=$!; $ctl connect beat; wait $p")
  #expect(ran.status == 0)
}

@Test func topWithoutATerminalIsOneSnapshot() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run("$ctl top --interval 50ms")
  #expect(ran.status == 0)
  #expect(ran.output.contains("INTERRUPTS/s"))
  #expect(ran.output.split(separator: "\n").count == 2)
  #expect(!ran.output.contains("\u{1b}"))
}

private let screen = (enter: "\u{1b}[?1049h", leave: "\u{1b}[?25h\u{1b}[?1049l")

@Test func topEndsAfterItsViewsAndRestoresTheTerminal() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run(
    "TERM=xterm script -qec \"$ctl top --interval 50ms -n 2\" /dev/null")
  #expect(ran.output.contains(screen.enter))
  #expect(ran.output.contains("RATE/s"))
  #expect(ran.output.contains(screen.leave))
}

@Test func topThatIsKilledRestoresTheTerminal() throws {
  let daemon = try Daemon("beat")
  let (pid, seen) = (daemon.folder.path("pid"), daemon.folder.path("seen"))
  let ran = try daemon.run(
    "TERM=xterm script -qefc \"sh -c 'echo \\$\\$ >\(pid); exec $ctl top --interval 50ms'\" \(seen) & "
      + "until grep -q RATE \(seen) 2>/dev/null; do sleep 0.01; done; "
      + "kill -TERM $(cat \(pid)); wait")
  #expect(ran.output.contains(screen.enter))
  #expect(ran.output.contains(screen.leave))
}

@Test func transactionOnASoftwareLineHasNoRegisters() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run("$ctl transact beat read bar0:0/32")
  #expect(ran.status == 1)
  #expect(ran.complaint.contains("a software line has no registers"))
}

@Test func attachServicesInterruptsUntilItsCount() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run(
    "$ctl attach beat --json -n 2 --timeout 60 & p=$!; "
      + "while kill -0 $p 2>/dev/null; do $ctl trigger beat; done; wait $p")
  #expect(ran.status == 0)
  #expect(ran.complaint.contains("beat: attached"))
  let lines = ran.output.split(separator: "\n")
  #expect(lines.count == 2)
  for line in lines {
    let object = try parse(String(line))
    #expect(object["claimed"] == true)
    #expect(object["time"]?.string?.hasSuffix("Z") == true)
  }
  let pretty = try daemon.run(
    "$ctl attach beat -o json-pretty -n 1 --timeout 60 & p=$!; "
      + "while kill -0 $p 2>/dev/null; do $ctl trigger beat; done; wait $p")
  #expect(pretty.output.split(separator: "\n").count > 3)
  #expect(try parse(pretty.output)["claimed"] == true)
  #expect(try daemon.run("$ctl status beat").output == "beat: connected\n")
  let late = try daemon.run("$ctl attach -q beat --timeout 50ms")
  #expect(late.status == 1)
  #expect(late.complaint.contains("no interrupt came in time"))
  #expect(!late.complaint.contains("attached"))
}

@Test func setChangesTheMode() throws {
  let daemon = try Daemon("beat")
  #expect(try daemon.run("$ctl set beat --mode all --policy other").status == 0)
  #expect(try daemon.run("$ctl info beat").output.contains("Mode:      all\n"))
}

@Test func reloadTakesNewFilesAndTellsFaults() throws {
  let daemon = try Daemon("beat")
  try daemon.configure(["pulse"])
  #expect(try daemon.run("$ctl reload").status == 0)
  #expect(try daemon.run("$ctl status -q pulse").status == 0)
  try daemon.folder.write(
    "etc/interruptsync/devices/bad.device", "[Match]\nSoftwareLine=x\nBogus=1\n")
  let ran = try daemon.run("$ctl reload")
  #expect(ran.status == 1)
  #expect(ran.complaint.contains("bad.device:3:1: "))
  #expect(ran.complaint.contains("hint: "))
}

@Test func metricsGoToAFileAtOnce() throws {
  let daemon = try Daemon("beat")
  let text = try daemon.run("$ctl metrics").output
  #expect(text.contains("interruptsync_interrupts_total{device=\"beat\"}"))
  #expect(text.hasSuffix("# EOF\n"))
  let path = daemon.folder.path("out.prom")
  #expect(try daemon.run("$ctl metrics --textfile \(path)").status == 0)
  let written = String(decoding: try daemon.folder.bytes("out.prom"), as: UTF8.self)
  #expect(written.hasSuffix("# EOF\n"))
  let lost = try daemon.run("$ctl metrics --textfile /nonexistent/x.prom")
  #expect(lost.status == 1)
  #expect(lost.complaint.contains("/nonexistent/x.prom"))
}

@Test func doctorFindsNoFaultAndThenOne() throws {
  let daemon = try Daemon("beat")
  let well = try daemon.run("$ctl doctor")
  #expect(well.status == 0)
  #expect(well.output == "1 device checked, no problems found\n")
  let ill = try daemon.run("$ctl disconnect beat; $ctl doctor beat")
  #expect(ill.status == 1)
  #expect(
    ill.output == "beat: problem: it is disconnected\n  hint: interruptsyncctl connect beat\n")
  let object = try parse(daemon.run("$ctl doctor --json").output)
  #expect(object["findings"]?.array?.first?.object?["severity"] == "problem")
  #expect(try daemon.run("$ctl doctor nosuch").status == 1)
}

@Test func callAndIntrospectSpeakToTheDaemonAsItIs() throws {
  let daemon = try Daemon("beat")
  let one = try daemon.run("$ctl call DescribeDevice '{\"device\":\"beat\"}'")
  #expect(try parse(one.output)["device"]?.object?["id"] == "beat")
  let info = try daemon.run("$ctl call org.varlink.service.GetInfo")
  #expect(try parse(info.output)["product"] == "interruptsyncd")
  let wrong = try daemon.run("$ctl call Nothing")
  #expect(wrong.status == 1)
  #expect(wrong.complaint.contains("the interface io.interruptsync has no such method"))
  #expect(wrong.complaint.contains("hint: interruptsyncctl introspect io.interruptsync"))
  let foreign = try daemon.run("$ctl call no.such.Thing")
  #expect(foreign.complaint.contains("the daemon has no interface no.such\n"))
  let misspelt = try daemon.run("$ctl call DescribeDevice '{\"devise\":\"beat\"}'")
  #expect(misspelt.complaint.contains("shows the parameters"))
  for ran in [wrong, foreign, misspelt] { #expect(!ran.complaint.contains("upgrade")) }
  #expect(try daemon.run("$ctl introspect").output.contains("interface io.interruptsync"))
  let unknown = try daemon.run("$ctl introspect no.such")
  #expect(unknown.status == 1)
  #expect(unknown.complaint.contains("the daemon has no interface no.such\n"))
}

@Test func unknownDeviceIsReportedInWordsForAShell() throws {
  let daemon = try Daemon("beat")
  for command in ["info nosuch", "stats nosuch", "trigger nosuch", "transact nosuch read bar0:0/8"]
  {
    let ran = try daemon.run("$ctl \(command)")
    #expect(
      ran.complaint.contains(
        "no device has this id, node or name\n  hint: interruptsyncctl list shows the devices\n"))
    #expect(!ran.complaint.contains("ListDevices"))
  }
}

@Test func waitThatEndsSaysWhatItWaitedFor() throws {
  let daemon = try Daemon("beat")
  let unknown = try daemon.run("$ctl wait nosuch --timeout 50ms")
  #expect(
    unknown.complaint
      == "interruptsyncctl: nosuch: wait: no device with this name appeared in time\n"
      + "  hint: interruptsyncctl list shows the devices\n")
  let idle = try daemon.run("$ctl disconnect -q beat; $ctl wait beat --timeout 50ms")
  #expect(idle.status == 1)
  #expect(idle.complaint.contains("the time is up, and it is still listed\n"))
  #expect(idle.complaint.contains("hint: interruptsyncctl doctor beat"))
}

@Test(arguments: [
  ("connect", "connected beat"), ("trigger", "raised 1 interrupt of beat"),
  ("trigger -n 2", "raised 2 interrupts of beat"),
  ("set --mode all", "set the mode of beat to all, until the next reload"),
  ("set --policy other", "set the policy of beat to other, until the next reload"),
  ("disconnect", "disconnected beat"), ("reload", "reloaded the configuration"),
])
func commandThatActsSaysWhatItDid(command: String, words: String) throws {
  let daemon = try Daemon("beat")
  func run(_ option: String) throws -> Ran {
    if command == "connect" { _ = try daemon.run("$ctl disconnect -q beat") }
    if command == "disconnect" { _ = try daemon.run("$ctl connect -q beat") }
    return try daemon.run("$ctl \(command) \(command == "reload" ? "" : "beat") \(option)")
  }
  let ran = try run("")
  #expect(ran.status == 0)
  #expect(ran.complaint == words + "\n")
  #expect(ran.output == "")
  for option in ["--quiet", "--json"] {
    let silent = try run(option)
    #expect(silent.status == 0)
    #expect(silent.output + silent.complaint == "", "\(option)")
  }
}

@Test func policyAboveTheKernelsThreadsIsWarnedOf() throws {
  let daemon = try Daemon("beat")
  for (priority, isWarned) in [(49, false), (50, true), (99, true)] {
    // A user without the right to it gets an error about the policy, which is no warning either.
    let ran = try daemon.run("$ctl set beat --policy fifo:\(priority)")
    try #require(ran.status == 0, "run the tests as root: \(ran.complaint)")
    #expect(ran.complaint.contains("warning: fifo:\(priority) is not below 50") == isWarned)
    #expect(try daemon.run("$ctl set -q beat --policy fifo:\(priority)").complaint == "")
  }
}

@Test func devicesAreCompleted() throws {
  let daemon = try Daemon("beat", "pulse")
  // The call that the generated scripts make.
  let script = try daemon.run("$ctl --generate-completion-script fish").output
  #expect(script.contains("---completion"))
  for command in ["info", "edit", "watch", "doctor", "histogram", "attach", "transact"] {
    let ran = try daemon.run(
      "$ctl ---completion \(command) -- positional@0 1 0 interruptsyncctl \(command) ''")
    #expect(ran.output.contains("beat"), "\(command)")
    #expect(ran.output.contains("pulse"), "\(command)")
  }
}

@Test func bindingOfNothingIsNotFound() throws {
  for command in ["bind ffff:ff:1f.7", "unbind ffff:ff:1f.7", "bind --saved pci-ffff:ff:1f.7"] {
    let ran = try shell("$ctl \(command)")
    #expect(ran.status == 1)
    #expect(ran.complaint.contains("hint: "))
  }
}

@Test(arguments: ["ffff:ff:1f.7", "pci-ffff:ff:1f.7", "platform-nosuch.0", "uio4711", "nosuch"])
func bindingOfNothingDoesNotAskForADriver(device: String) throws {
  let ran = try shell("$ctl bind \(device)")
  #expect(ran.status == 1)
  #expect(ran.complaint.contains("find the device: there is no such device"))
  #expect(!ran.complaint.contains("needs a UIO driver"), "\(ran.complaint)")
}
