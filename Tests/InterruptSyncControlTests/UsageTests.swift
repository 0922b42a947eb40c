// interruptsyncctl as a program: exit status, output streams, colour.
import Glibc
import Testing
import Varlink

@Test(arguments: [
  "$ctl bogus", "$ctl list --bogus", "$ctl status a b", "$ctl transact beat",
  "$ctl transact beat peek bar0:0/32", "$ctl transact beat wait bar0:0/32=1",
  "$ctl attach beat write bar0:0/32=claimed", "$ctl set beat", "$ctl set beat --policy fifo:100",
  "$ctl set beat --mode sometimes", "$ctl trigger beat -n 0", "$ctl watch --all",
  "$ctl watch -n 0", "$ctl watch --output cat", "$ctl watch --json --output short",
  "$ctl attach beat --json --output short", "$ctl monitor --output cat", "$ctl list -H ''",
  "$ctl list -M a/b", "$ctl list -M a -H b", "$ctl attach -M a beat", "$ctl bridge -H a",
  "$ctl top --interval 1ms", "$ctl wait beat --for rain",
  "$ctl wait --timeout soon", "$ctl call ListDevices '[]'", "$ctl call ListDevices '{'",
  "$ctl list --color maybe", "$ctl bind --saved --persist 0000:00:03.0",
])
func wrongUsageIsExitStatus2(command: String) throws {
  let ran = try shell(command)
  #expect(ran.status == 2)
  #expect(ran.output == "")
  #expect(!ran.complaint.isEmpty)
}

@Test(arguments: ["$ctl --help", "$ctl help list", "$ctl --version", "$ctl"])
func helpIsDataAndNoFailure(command: String) throws {
  let ran = try shell(command)
  #expect(ran.status == 0)
  #expect(!ran.output.isEmpty)
  #expect(ran.complaint == "")
}

@Test func defaultsAreShownAsTheyAreWritten() throws {
  #expect(try shell("$ctl help top").output.contains("(default: 1s)"))
}

@Test(arguments: [
  "list", "info beat", "watch", "watch beat", "watch beat --all", "top", "stats", "stats beat",
  "transact beat read bar0:0/32", "attach beat", "connect beat", "disconnect beat",
  "set beat --mode all", "trigger beat", "reload", "metrics", "adopt beat", "call ListDevices",
  "introspect", "wait --timeout 50ms",
])
func daemonThatDoesNotRunIsExitStatus1WithAHint(command: String) throws {
  let ran = try shell("$ctl \(command)")
  #expect(ran.status == 1)
  #expect(ran.output == "")
  #expect(ran.complaint.contains("/nonexistent/socket"))
  #expect(ran.complaint.contains("\n  hint: start the daemon: systemctl start interruptsyncd"))
}

@Test func statusHasItsOwnExitStatus() throws {
  #expect(try shell("$ctl status").status == 3)
  #expect(try shell("$ctl status beat").status == 3)
  let ran = try shell("$ctl status --json")
  #expect(ran.status == 3)
  #expect(ran.output == "{\"running\":false}\n")
}

@Test func socketThatIsClosedToTheUserIsExitStatus77() throws {
  let daemon = try Daemon("beat")
  chmod(daemon.address, 0)
  // Root bypasses permissions, so it becomes another user, who must be able to run the program.
  chmod(daemon.folder.path, 0o755)
  let drop = getuid() == 0 ? "setpriv --reuid 65534 --clear-groups" : ""
  let copy = daemon.folder.path("ctl")
  let ran = try daemon.run("cp $ctl \(copy) && chmod 755 \(copy) && \(drop) \(copy) list")
  #expect(ran.status == 77)
  #expect(ran.complaint.contains("  hint: members of the group"))
}

@Test func doctorWithoutADaemonSaysSo() throws {
  let ran = try shell("$ctl doctor")
  #expect(ran.status == 1)
  #expect(ran.output.contains("interruptsyncd: problem: "))
  #expect(ran.output.contains("hint: start the daemon"))
}

@Test func readerThatHasGoneEndsTheProgramQuietly() throws {
  let daemon = try Daemon("beat")
  let status = daemon.folder.path("status")
  // The first line written without a reader ends the program: changes go on until then.
  let ran = try daemon.run(
    "{ $ctl watch; echo $? >\(status); } | head -n 1 & "
      + "until [ -s \(status) ]; do $ctl disconnect -q beat; $ctl connect -q beat; done; wait")
  #expect(ran.complaint == "")
  #expect(ran.output.split(separator: "\n").count == 1)
  // SIGPIPE, as for every filter.
  #expect(String(decoding: try daemon.folder.bytes("status"), as: UTF8.self) == "141\n")
}

@Test func colourIsAskedForOrForATerminalOnly() throws {
  let daemon = try Daemon("beat")
  #expect(try !daemon.run("$ctl list").output.contains("\u{1b}"))
  #expect(
    try daemon.run("$ctl list --color always").output.contains("\u{1b}[32mconnected\u{1b}[0m"))
  // script(1) gives it a terminal.
  let terminal = "TERM=xterm script -qec \"$ctl list\" /dev/null"
  #expect(try daemon.run(terminal).output.contains("\u{1b}[32mconnected"))
  #expect(try !daemon.run("NO_COLOR=1 \(terminal)").output.contains("\u{1b}["))
  #expect(try daemon.run("NO_COLOR= \(terminal)").output.contains("\u{1b}[32mconnected"))
  let dumb = "TERM=dumb script -qec \"$ctl list\" /dev/null"
  #expect(try !daemon.run(dumb).output.contains("\u{1b}["))
}

@Test func jsonIsPrettyOnATerminal() throws {
  let daemon = try Daemon("beat")
  let flat = try daemon.run("$ctl list --json").output
  #expect(flat.split(separator: "\n").count == 1)
  let pretty = try daemon.run("TERM=xterm script -qec \"$ctl list --json\" /dev/null").output
  #expect(pretty.contains("{\r\n  \"devices\": [\r\n"))
  #expect(try JSONParser.parse(pretty) == JSONParser.parse(flat))
}

@Test(arguments: ["bash", "zsh", "fish"])
func completionScriptIsMade(shell name: String) throws {
  let ran = try shell("$ctl --generate-completion-script \(name)")
  #expect(ran.status == 0)
  #expect(ran.output.contains("transact"))
  #expect(ran.complaint == "")
}
