// Any bytes at all: a configuration, or diagnostics that point into the file.
import Testing
import TestSupport

@testable import InterruptSyncService

private let pieces: [[UInt8]] =
  [
    "[Match]", "[Device]", "[Routine]", "[Daemon]", "[", "]", "\n", "\n", "\r\n", "\\\n", "\\",
    "\\ \n",
    "=", "=", "!", "#", ";", " ", "\t", "\"", "'", "\\x41", "\\u00e9", "é", "\u{feff}", "\0",
    "\u{1b}",
    "Id=*", "PCIDevice=", "1234:11e8", "Name=", "Driver=/a.so", "Mode=", "all", "Priority=", "40",
    "CPUAffinity=", "0-3", "StormDelaySec=", "5ms", "1min 2.5s", "99999999999999999999",
    "StackSize=", "1M", "CPULatencySec=", "InterruptCPUAffinity=", "MemoryLock=",
    "Claim=", "bar0:0x24/32", "&0xff", "Capture=x=", "Acknowledge=", "=claimed", "=x", "Argument=",
    "ObserveGroup=", "LogLevel=", "AdminGroup=", "MetricsTextfile=/x.prom", "SpinBudgetSec=", "1us",
  ].map { Array($0.utf8) } + [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f]]

private func noise(_ generator: inout SeededGenerator) -> [UInt8] {
  var bytes: [UInt8] = Bool.random(using: &generator) ? Array("[Match]\nId=*\n[Device]\n".utf8) : []
  for _ in 0..<Int.random(in: 0...60, using: &generator) {
    bytes += pieces.randomElement(using: &generator) ?? []
    if Int.random(in: 0..<20, using: &generator) == 0 {
      bytes.append(UInt8.random(in: 0...255, using: &generator))
    }
  }
  return bytes
}

@Test func fuzzedFilesGiveAValueOrDiagnosticsThatPointIntoThem() throws {
  var generator = SeededGenerator()
  let folder = try TemporaryFolder()
  var refused = 0
  for _ in 0..<3000 {
    let files = ["devices/a.device", "devices/a.device.d/x.conf", "interruptsyncd.conf"]
    var lengths: [String: [Int]] = [:]
    for name in files {
      let bytes = noise(&generator)
      try folder.write("etc/interruptsync/\(name)", bytes)
      lengths[folder.path("etc/interruptsync/\(name)")] = bytes.split(
        separator: 0x0a, omittingEmptySubsequences: false
      ).map(\.count)
    }
    do throws(ConfigurationError) { _ = try ConfigurationSet(folder.tree) } catch {
      refused += 1
      #expect(!error.diagnostics.isEmpty)
      for diagnostic in error.diagnostics {
        let place = diagnostic.position
        let lines = try #require(lengths[place.path], "\(diagnostic)")
        guard place.line != 0 else { continue }
        try #require((1...lines.count).contains(place.line), "\(diagnostic)")
        // One behind the end is where something is missing.
        #expect(
          (1...lines[place.line - 1] + 1).contains(place.column), "\(diagnostic)")
        #expect(!diagnostic.message.isEmpty)
      }
    }
  }
  #expect(refused > 1000)
}
