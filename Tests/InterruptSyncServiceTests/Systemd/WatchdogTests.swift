import CUIO
import Glibc
import InterruptSync
import Testing

@testable import InterruptSyncService

private func made(microseconds: String, process: String? = nil) -> Watchdog? {
  var variables = ["WATCHDOG_USEC": microseconds]
  variables["WATCHDOG_PID"] = process
  return Watchdog(ServiceEnvironment(variables, process: 77))
}

private let second: UInt64 = 1_000_000_000

@Test(arguments: ["", "0", "x", "-1", "18446744073709551615"])
func watchdogNeedsAPeriod(text: String) { #expect(made(microseconds: text) == nil) }

@Test func watchdogIsForThisProcessOrForNone() {
  #expect(Watchdog(ServiceEnvironment()) == nil)
  #expect(made(microseconds: "1000", process: "78") == nil)
  #expect(made(microseconds: "1000", process: "77") != nil)
}

@Test func watchdogIsLookedAfterTwiceAPeriod() {
  #expect(made(microseconds: "20000000")?.interval == 10 * second)
}

@Test func watchdogStarvesWhileOneDispatcherMakesNoProgress() throws {
  var watchdog = try #require(made(microseconds: "20000000"))
  #expect(watchdog.check(["a": 1, "b": 1], now: 0) == .healthy)
  #expect(watchdog.check(["a": 2, "b": 1], now: 9 * second) == .healthy)
  #expect(watchdog.check(["a": 3, "b": 1], now: 10 * second) == .stalled(new: ["b"]))
  #expect(watchdog.check(["a": 3, "b": 1], now: 20 * second) == .stalled(new: ["a"]))
  #expect(watchdog.check(["a": 4, "b": 2], now: 21 * second) == .healthy)
  // Disconnected, and connected again with the count of before: a new beginning.
  #expect(watchdog.check(["b": 3], now: 30 * second) == .healthy)
  #expect(watchdog.check(["a": 4, "b": 4], now: 40 * second) == .healthy)
  #expect(watchdog.check([:], now: 60 * second) == .healthy)
}

@Test func dispatcherThatHasNothingToDoWakesOftenEnough() throws {
  var watchdog = try #require(made(microseconds: "100000"))
  // Once a second is progress, however short the manager's period.
  #expect(watchdog.check(["a": 1], now: 0) == .healthy)
  #expect(watchdog.check(["a": 1], now: 2 * second) == .healthy)
  #expect(watchdog.check(["a": 1], now: 3 * second) == .stalled(new: ["a"]))
}

/// Or a line that clients reconnect before each look would seem to make no progress.
@Test(arguments: [false, true]) func heartbeatOfANewConnectionIsANewOne(inGroup: Bool) throws {
  var beats: Set<UInt64> = []
  for _ in 1...50 {
    // As a reload does it: the object is another one, and perhaps the group.
    let object = InterruptSyncObject(
      source: try SoftwareLine(), mode: .normal,
      options: InterruptSyncOptions(group: inGroup ? try DispatcherGroup() : nil))
    try object.registerServiceRoutine { .success }
    for _ in 1...2 {
      try object.connect()
      beats.insert(try #require(object.heartbeat))
      try object.disconnect()
    }
  }
  #expect(beats.count == 100)
}

@Test func heartbeatStopsInARoutineThatDoesNotReturn() throws {
  let line = try SoftwareLine(name: "stuck")
  let object = InterruptSyncObject(source: line, mode: .normal)
  let (entered, enter) = makePipe()
  let (leave, left) = makePipe()
  try object.registerServiceRoutine {
    var byte: UInt8 = 1
    _ = write(enter.raw, &byte, 1)
    _ = read(leave.raw, &byte, 1)
    return .success
  }
  #expect(object.heartbeat == nil)
  try object.connect()
  let first = try #require(object.heartbeat)
  // Without an interrupt it beats by itself.
  while object.heartbeat == first { usleep(1000) }
  line.trigger(1)
  var byte: UInt8 = 0
  _ = read(entered.raw, &byte, 1)
  let stuck = object.heartbeat
  usleep(1_500_000)
  #expect(object.heartbeat == stuck)
  _ = write(left.raw, &byte, 1)
  while object.heartbeat == stuck { usleep(1000) }
  try object.disconnect()
  #expect(object.heartbeat == nil)
}
