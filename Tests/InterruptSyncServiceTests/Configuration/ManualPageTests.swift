// The manual pages document every key, and what they show works.
import FoundationEssentials
import Testing
import TestSupport

@testable import InterruptSyncService

private func page(_ name: String) throws -> String { try file("docs/man/\(name)") }

private func file(_ path: String) throws -> String {
  let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
  return String(
    decoding: try Data(contentsOf: URL(filePath: "/\(root)/\(path)")), as: UTF8.self)
}

/// The keys of a page's section with their examples; those in a row are one.
private func items(_ page: String, _ section: String) -> [String: String] {
  let text = page.split(separator: "\n.Sh ").first {
    $0.hasPrefix("[\(section.uppercased())] SECTION")
  }
  var items: [String: String] = [:]
  for item in (text ?? "").split(separator: "\n.It Ic ").dropFirst() {
    let key = item.prefix { $0 != "=" }
    let examples = item.split(separator: "\n").filter { $0.hasPrefix(".Dl ") }.map {
      $0.dropFirst(4)
    }
    #expect(item.contains("\nDefault:"), "\(key)= has no default")
    items[String(key)] = examples.joined(separator: "\n")
  }
  return items
}

private func expectDocumented<Key: ConfigurationKey>(
  _: Key.Type, in page: String, faults: (String) throws -> [String]
) throws {
  let items = items(page, Key.section)
  #expect(Set(items.keys) == Set(Key.allCases.map(\.rawValue)))
  for (key, example) in items {
    #expect(example.contains("\(key)="), "\(key)= has no example")
    #expect(try faults("[\(Key.section)]\n\(example)\n") == [], "\(key)=")
  }
}

@Test func manualOfDeviceFilesHasEveryKeyWithDefaultAndExample() throws {
  let page = try page("interruptsync.device.5")
  try expectDocumented(DeviceMatch.Key.self, in: page, faults: deviceFaults)
  try expectDocumented(DeviceSettings.Key.self, in: page) {
    try deviceFaults("[Match]\nId=*\n\($0)")
  }
  try expectDocumented(RoutineSettings.Key.self, in: page) {
    try deviceFaults("[Match]\nId=*\n\($0)")
  }
}

@Test func manualOfTheDaemonsFileHasEveryKeyWithDefaultAndExample() throws {
  try expectDocumented(
    DaemonSettings.Key.self, in: try page("interruptsyncd.conf.5"), faults: daemonFaults)
}

@Test func manualsExamplesAreGoodConfiguration() throws {
  func literals(_ page: String) -> [String] {
    page.split(separator: "\n.Bd -literal -offset indent\n").dropFirst().compactMap {
      $0.split(separator: "\n.Ed").first.map(String.init)
    }
  }
  let device = literals(try page("interruptsync.device.5"))
  try #require(device.count == 3)
  let folder = try TemporaryFolder()
  try folder.write("usr/lib/interruptsync/devices/50-edu.device", device[0])
  try folder.write("etc/interruptsync/devices/50-edu.device.d/local.conf", device[2])
  try folder.write("usr/lib/interruptsync/devices/60-switch.device", device[1])
  #expect(folder.faults() == [])
  let (found, messages) = (
    try #require(try folder.configuration().devices.first),
    try #require(try folder.configuration().devices.last)
  )
  #expect(messages.device.vectors == .listed([0, 1, 2]))
  #expect(messages.routines.map(\.vectors) == [[0], [1, 2]])
  #expect(found.device.dispatcher.policy == .fifo(40))
  #expect(found.routines.map(\.name) == ["edu"])
  let daemon = literals(try page("interruptsyncd.conf.5"))
  #expect(try daemonFaults(try #require(daemon.first)) == [])
}

@Test func interfaceNamesOnlyKeysThatExist() throws {
  let keys = Set(
    DeviceMatch.Key.allCases.map(\.rawValue) + DeviceSettings.Key.allCases.map(\.rawValue)
      + RoutineSettings.Key.allCases.map(\.rawValue) + DaemonSettings.Key.allCases.map(\.rawValue))
  let description = "Sources/InterruptSyncService/Clients/io.interruptsync.varlink"
  for text in [try file(description), try page("io.interruptsync.7")] {
    let named = text.matches(of: /\b([A-Z][A-Za-z]+)=/).map { String($0.1) }
    #expect(named.contains("ControlGroup"))
    for key in named { #expect(keys.contains(key), "\(key)=") }
  }
}
