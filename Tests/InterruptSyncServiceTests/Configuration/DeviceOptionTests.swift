// Options of the command line are assignments of a device file in memory.
import InterruptSync
import Testing
import UIO

@testable import InterruptSyncService

private func options(_ first: Int, _ pairs: (String, String)...) -> [DeviceOption] {
  pairs.enumerated().map { index, pair in
    DeviceOption(name: pair.0, value: pair.1, argument: first + index)
  }
}

private func faults(_ options: [DeviceOption]) throws -> [String] {
  do {
    _ = try DeviceConfiguration(device: "uio0", common: [], own: options)
    return []
  } catch let error as ConfigurationError {
    return error.diagnostics.map { "\($0.position): \($0.message)" }
  }
}

@Test func withoutOptionsEveryInterruptIsClaimed() throws {
  let device = try DeviceConfiguration(device: "uio3", common: [], own: [])
  #expect(device.id == (try UIODeviceID("uio3")) && device.settings == DeviceSettings())
  #expect(device.routines == [RoutineSettings(action: .recipe(Recipe()))])
}

@Test func optionsMeanWhatTheKeysMean() throws {
  let device = try DeviceConfiguration(
    device: "uio0", common: [],
    own: options(
      2, ("--mode", "repeat"), ("--rearm", "auto"), ("--realtime", "40"), ("--cpus", "0,2-3"),
      ("--claim", "bar0:0x24/32"), ("--acknowledge", "bar0:0x64/32=claimed"),
      ("--acknowledge", "bar0:0x68/32=1")))
  #expect(device.settings.mode == .repeat && device.settings.rearm == nil)
  #expect(device.settings.dispatcher.policy == .fifo(40))
  #expect(device.settings.dispatcher.processors == [0, 2, 3])
  guard case .recipe(let recipe)? = device.routines.first?.action else {
    Issue.record("not a recipe")
    return
  }
  #expect(recipe.claim == (try RegisterReference("bar0:0x24/32")))
  #expect(recipe.acknowledgements.map(\.value) == [.claimed, .constant(1)])
}

@Test func ownOptionsReplaceCommonOnes() throws {
  let common = options(
    1, ("--claim", "bar0:0/32"), ("--acknowledge", "bar0:4/32=1"), ("--cpus", "0"),
    ("--mode", "all"))
  let own = options(7, ("--acknowledge", "bar0:8/32=2"), ("--cpus", "1"), ("--cpus", "2"))
  let device = try DeviceConfiguration(device: "uio0", common: common, own: own)
  #expect(device.settings.mode == .all && device.settings.dispatcher.processors == [2])
  guard case .recipe(let recipe)? = device.routines.first?.action else {
    Issue.record("not a recipe")
    return
  }
  #expect(recipe.claim == (try RegisterReference("bar0:0/32")))
  #expect(recipe.acknowledgements.map(\.value) == [.constant(2)])
}

@Test func everyFaultIsReportedWithItsArgument() throws {
  let found = try faults(
    options(
      2, ("--mode", "some"), ("--claim", "bar0"), ("--acknowledge", "bar0:0/32=claimed"),
      ("--realtime", "100"), ("--cpus", "  ")))
  #expect(found.count == 4)
  for argument in [
    "argument 2 (--mode)", "argument 3 (--claim)", "argument 5 (--realtime)", "argument 6 (--cpus)",
  ] {
    #expect(found.contains { $0.hasPrefix("\(argument): ") }, "\(argument): \(found)")
  }
}
