// interruptsyncctl edit and new, as processes: what an editor leaves is installed, or nothing is.
import Glibc
import TestSupport
import Testing
import DeviceInventory

private let beat = "etc/interruptsync/devices/beat.device"
private let draft = "etc/interruptsync/devices/.draft-beat.device"

extension Daemon {
  fileprivate func text(_ path: String) -> String? {
    (try? folder.bytes(path)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Runs edit with a script as the editor, whose first argument is the draft.
  fileprivate func edit(
    _ device: String, _ script: String, terminal answers: String? = nil, options: String = ""
  ) throws -> Ran {
    // Read by a shell: a program that another test's child still has open for writing cannot be
    // executed.
    try folder.write("editor", "\(script)\n")
    let command = "$ctl edit \(device) --config-root \(folder.path) \(options)"
    let environment = "export EDITOR='sh \(folder.path("editor"))'; unset VISUAL; "
    guard let answers else { return try run(environment + command) }
    // script(1) gives it a terminal, at which the answers are typed.
    try folder.write("answers", answers)
    return try run(
      environment + "script -qec \"\(command)\" /dev/null <\(folder.path("answers"))")
  }
}

@Test func editedFileIsInstalledAndReloaded() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.edit("beat", "printf '[Device]\\nMode=all\\n' >>\"$1\"")
  #expect(ran.status == 0, "\(ran.complaint)")
  #expect(ran.complaint == "wrote \(daemon.folder.path(beat)); beat is connected\n")
  #expect(daemon.text(beat) == "[Match]\nSoftwareLine=beat\n[Device]\nMode=all\n")
  #expect(try daemon.run("$ctl info beat").output.contains("Mode:      all\n"))
  #expect(daemon.text(draft) == nil)
}

@Test func editWithoutAChangeWritesNothing() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.edit("beat", "true")
  #expect(ran.status == 0)
  #expect(ran.complaint.contains("nothing was changed"))
  #expect(daemon.text(draft) == nil)
}

@Test(arguments: [
  ("echo Bogus=1 >>\"$1\"", "beat.device:3:1: error: "), (": >\"$1\"", "the text is empty"),
  ("exit 3", "the editor failed"),
])
func textWithAProblemIsKeptAndTheFileIsAsBefore(script: String, words: String) throws {
  let daemon = try Daemon("beat")
  let before = try #require(daemon.text(beat))
  let ran = try daemon.edit("beat", script)
  #expect(ran.status == 1)
  #expect(ran.complaint.contains(words), "\(ran.complaint)")
  #expect(ran.complaint.contains(daemon.folder.path(draft)))
  #expect(daemon.text(beat) == before)
  #expect(daemon.text(draft) != nil)
  #expect(try daemon.run("$ctl status -q beat").status == 0)
}

@Test func nextEditGoesOnWithTheTextThatWasKept() throws {
  let daemon = try Daemon("beat")
  _ = try daemon.edit("beat", "printf '[Device]\\nMode=sometimes\\n' >>\"$1\"")
  #expect(daemon.text(draft)?.contains("sometimes") == true)
  let ran = try daemon.edit("beat", "sed -i s/sometimes/repeat/ \"$1\"")
  #expect(ran.status == 0, "\(ran.complaint)")
  #expect(ran.complaint.contains("which an earlier edit kept"))
  #expect(daemon.text(beat)?.contains("Mode=repeat") == true)
  #expect(daemon.text(draft) == nil)
}

@Test(arguments: [("y\n", true), ("\n", true), ("n\n", false)])
func personAtATerminalIsAskedAfterAProblem(answers: String, isAgain: Bool) throws {
  let daemon = try Daemon("beat")
  // The first text has a problem, the second none.
  let ran = try daemon.edit(
    "beat",
    "grep -q Mode \"$1\" && sed -i s/never/all/ \"$1\" || printf '[Device]\\nMode=never\\n' >>\"$1\"",
    terminal: answers)
  #expect(ran.output.contains("Edit it again? [Y/n]"), "\(ran.output)")
  #expect(ran.status == (isAgain ? 0 : 1))
  #expect(daemon.text(beat)?.contains("Mode=all") == isAgain)
  #expect((daemon.text(draft) == nil) == isAgain)
}

@Test func configurationThatTheDaemonRefusesPutsTheOldFileBack() throws {
  let daemon = try Daemon("beat")
  let before = daemon.text(beat)
  try daemon.folder.write("etc/interruptsync/devices/other.device", "[Match]\nBogus=1\n")
  let ran = try daemon.edit("beat", "printf '[Device]\\nMode=all\\n' >>\"$1\"")
  #expect(ran.status == 1)
  #expect(ran.complaint.contains("other.device:2:1: "), "\(ran.complaint)")
  #expect(daemon.text(beat) == before)
  #expect(daemon.text(draft)?.contains("Mode=all") == true)
}

@Test func fileThatChangedMeanwhileIsNotOverwritten() throws {
  let daemon = try Daemon("beat")
  let other = "[Match]\nSoftwareLine=beat\n[Device]\nMode=repeat\n"
  let ran = try daemon.edit(
    "beat", "printf '\(other)' >\(daemon.folder.path(beat)); echo '# mine' >>\"$1\"")
  #expect(ran.status == 1)
  #expect(ran.complaint.contains("changed by another program meanwhile"))
  #expect(daemon.text(beat) == other)
  #expect(daemon.text(draft)?.contains("# mine") == true)
}

@Test func fileOfAnotherFolderIsCopiedToEtc() throws {
  let daemon = try Daemon("beat")
  let vendor = "usr/lib/interruptsync/devices/pulse.device"
  try daemon.folder.write(vendor, "[Match]\nSoftwareLine=pulse\n")
  _ = try daemon.run("$ctl reload")
  let ran = try daemon.edit("pulse", "printf '[Device]\\nMode=all\\n' >>\"$1\"")
  #expect(ran.status == 0, "\(ran.complaint)")
  #expect(
    daemon.text("etc/interruptsync/devices/pulse.device")
      == "[Match]\nSoftwareLine=pulse\n[Device]\nMode=all\n")
  #expect(daemon.text(vendor) == "[Match]\nSoftwareLine=pulse\n")
}

@Test func fileIsEditedByItsNameWithoutADaemon() throws {
  let daemon = try Daemon("beat")
  daemon.stop()
  let ran = try daemon.edit(
    "new.device", "printf '[Match]\\nSoftwareLine=new\\n' >\"$1\"")
  #expect(ran.status == 0, "\(ran.complaint)")
  #expect(ran.complaint.contains("the daemon does not run; it reads the file when it starts"))
  #expect(daemon.text("etc/interruptsync/devices/new.device") == "[Match]\nSoftwareLine=new\n")
  #expect(try daemon.edit("../new.device", "true").status == 2)
}

@Test func visualGoesBeforeEditorAndMayHaveOptions() throws {
  let daemon = try Daemon("beat")
  let ran = try daemon.run(
    "export EDITOR=false VISUAL='sed -i 1i#\\ seen'; $ctl edit beat --config-root \(daemon.folder.path)"
  )
  #expect(ran.status == 0, "\(ran.complaint)")
  #expect(daemon.text(beat)?.hasPrefix("# seen\n") == true)
}

@Test func editAndNewOfNothingSayWhereToLook() throws {
  let daemon = try Daemon("beat")
  for ran in [try daemon.edit("nosuch", "true"), try daemon.run("$ctl new ffff:ffff")] {
    #expect(ran.status == 1)
    #expect(ran.complaint.contains("there is no such device\n  hint: interruptsyncctl list --all"))
  }
}

@Test func machinesDevicesAreListedWithoutADaemon() throws {
  // Whatever this machine has: the header, and one object for each line.
  let table = try shell("$ctl list --all")
  #expect(table.status == 0)
  let json = try shell("$ctl list --all --json")
  let devices = BindableDevice.all()
  #expect(json.output.ranges(of: "\"bound\"").count == devices.count)
  for device in devices { #expect(table.output.contains("\(device.device)")) }
}
