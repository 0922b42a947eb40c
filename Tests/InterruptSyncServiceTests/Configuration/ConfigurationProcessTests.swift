// --check-config and --dump-config of the built program.
import Testing
import TestSupport
import UIO

private let good = "[Match]\nId=pci-*\n[Device]\nMode=all\n"

@Test func checkConfigSaysThatThereIsNoProblem() throws {
  let folder = try TemporaryFolder()
  func check(_ option: String = "") -> String {
    let (status, output) = daemon("--check-config \(option) --config-root \(folder.path)")
    #expect(status == 0)
    return output
  }
  #expect(check() == "0 device files checked, no problems found\n")
  try folder.write("\(deviceFolder)/a.device", good)
  #expect(check() == "1 device file checked, no problems found\n")
  for option in ["-q", "--quiet"] { #expect(check(option) == "") }
}

@Test func dumpConfigOfAnEmptyTreeIsEmpty() throws {
  let folder = try TemporaryFolder()
  #expect(daemon("--dump-config --config-root \(folder.path)/") == (0, ""))
}

@Test func checkConfigTellsEveryFaultAndEndsWith78() throws {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", "[Match]\nId=*\n[Device]\nMode=al\n")
  try folder.write("run/interruptsync/interruptsyncd.conf", "[Daemon]\nLogLevl=err\n")
  let expected = """
    \(folder.path)/run/interruptsync/interruptsyncd.conf:2:1: error: [Daemon] has no key LogLevl=
      hint: did you mean LogLevel=?
    \(folder.path)/\(deviceFolder)/a.device:4:6: error: Mode=: "al" is none of all, normal, repeat
      hint: did you mean all?

    """
  #expect(daemon("--check-config --config-root \(folder.path)") == (78, expected))
  #expect(daemon("--dump-config --config-root \(folder.path)") == (78, expected))
}

@Test func checkConfigTakesSingleFiles() throws {
  let folder = try TemporaryFolder()
  try folder.write("good.device", good)
  try folder.write("bad.device", "[Match]\nId=uio0\n")
  try folder.write("d.conf", "[Daemon]\nLogLevel=err\n")
  #expect(
    daemon("--check-config \(folder.path)/good.device \(folder.path)/d.conf")
      == (0, "2 files checked, no problems found\n"))
  try folder.write("a.device.d/x.conf", "[Device]\nMode=all\n")
  #expect(
    daemon("--check-config \(folder.path)/a.device.d/x.conf")
      == (0, "1 file checked, no problems found\n"))
  let bad = daemon("--check-config \(folder.path)/good.device \(folder.path)/bad.device")
  #expect(bad.status == 78)
  #expect(bad.output.hasPrefix("\(folder.path)/bad.device:2:4: error: "), "\(bad.output)")
  let missing = daemon("--check-config \(folder.path)/none.device")
  #expect(missing.status == 74)
  #expect(
    missing.output.hasPrefix("\(folder.path)/none.device: error: cannot read the file: ENOENT"))
  let other = daemon("--check-config \(folder.path)/none.txt")
  #expect(other.status == 78)
  #expect(other.output.contains("neither a .device nor a .conf file"))
}

@Test func dumpConfigIsTheConfigurationAgain() throws {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", good)
  try folder.write("\(deviceFolder)/a.device.d/x.conf", "[Routine]\nClaim=bar0:0x24\n")
  let (status, output) = daemon("--dump-config --config-root \(folder.path)")
  #expect(status == 0)
  #expect(
    output.contains("# \(folder.path)/\(deviceFolder)/a.device.d/x.conf:2\nClaim=bar0:0x24\n"))
  let restored = try restore(output)
  #expect(try restored.configuration() == folder.configuration())
}

@Test(arguments: [
  "--check-config --dump-config", "--config-root /tmp uio0", "--dump-config uio0",
  "--check-config --config-root /tmp a.device",
])
func configurationOptionsThatDoNotGoTogetherAreAUsageError(arguments: String) {
  #expect(daemon(arguments).status == 64)
}

@Test func daemonWithAFileThatIsWrongDoesNotStart() throws {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", "[Match]\nId=*\n[Device]\nMode=al\n")
  let (status, output) = daemon("--for 1 --config-root \(folder.path)")
  #expect(status == 78)
  #expect(output.contains("a.device:4:6: error: Mode="), "\(output)")
}

@Test func daemonWithFilesWaitsForTheirDevices() throws {
  try #require(UIODeviceInfo.all().isEmpty, "this test is for machines without UIO devices")
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", good)
  // No software line: what is served is what the files say.
  #expect(daemon("--for 1.2 --config-root \(folder.path)") == (0, ""))
}
