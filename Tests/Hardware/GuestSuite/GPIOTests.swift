// Interrupts of GPIO lines that gpio-sim simulates: edges counted one by one with their timestamps, debouncing, what the
// kernel's buffer drops, and the brake (docs/gpio.md). GPIOErrorTests.swift has what fails.
import CUIO
import GPIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization

enum GPIOTests {
  static let cases = [
    Case("G14_everyPacedEdgeIsCountedServicedAndTimed", everyEdge),
    Case("G12_bothEdgesRisingAndFallingAreToldApart", kindsOfEdges),
    Case("G11_aLevelThatBouncesIsOneEdge", debounced),
    Case("G5_edgesBeyondTheKernelsBufferAreCounted", burst),
    Case("G7_theBrakeStopsAStormAndTheLineComesBack", storm),
    Case("G7_aLevelThatChangesWhileTheBrakeHoldsTheLineIsLookedAt", lookAfterPause),
    Case("G7_disconnectWhileEdgesComeLeavesNoneBehind", churn),
    Case("G8_linesOfTwoChipsShareAGroup", group),
  ]

  /// What the routine of an object saw.
  struct Seen {
    var edges: [GPIOEdge] = []
    var looks = 0
    var claims = true
  }

  /// An object whose routine collects the edges of its line.
  static func object(
    _ line: GPIOLine, storm: StormPolicy = .standard, group: DispatcherGroup? = nil,
    report: (@Sendable (InterruptReport) -> Void)? = nil
  ) throws -> Interrupt<Seen> {
    let options = InterruptSyncOptions(storm: storm, group: group, report: report)
    let object = Interrupt(Seen(), source: line, mode: .normal, options: options)
    try object.register { seen in
      let edges = line.edges
      if edges.isEmpty { seen.looks += 1 }
      seen.edges.append(contentsOf: edges)
      return seen.claims ? .claimed : .notMine
    }
    return object
  }

  static func wire(_ chip: SimulatedChip, _ line: GPIOLine) throws -> Wire {
    guard let irq = line.interruptNumber else { throw Failure(description: "no interrupt") }
    return try Wire(chip, line.offset, irq: irq)
  }

  private static func kernelCount(_ line: GPIOLine) throws -> UInt64 {
    guard let irq = line.interruptNumber else { throw Failure(description: "no interrupt") }
    return try Guest.kernelCount(irq: irq)
  }

  static func connect(_ object: Interrupt<Seen>) throws {
    let before = try object.synchronize { $0.looks }
    try object.connect()
    try Guest.waitFor("the look after connect") {
      try object.synchronize { $0.looks } == before + 1
    }
  }

  static func expectInterrupts(_ object: Interrupt<Seen>, _ count: Int, line: Int = #line)
    throws
  {
    try Guest.waitFor("interrupt \(count) of \(object.statistics())", line: line) {
      object.statistics().interrupts == UInt64(count)
    }
  }

  /// Edges and interrupts are equal; timestamps rise, by the clock of the records.
  private static func everyEdge() throws {
    let count = repetitions(100_000, short: 10_000)
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let line = try GPIOLine(try GPIOChip(chip.label), offset: 3)
    let object = try object(line)
    try connect(object)
    let wire = try wire(chip, line)
    let irq = line.interruptNumber ?? -1
    try expectEqual(Procfs.system.priority(ofInterruptThread: irq), 50, "priority of its thread")
    let before = try kernelCount(line)
    let start = Clock.now
    for edge in 1...count {
      try wire.pull(up: edge % 2 == 1)
      try expectInterrupts(object, edge)
    }
    let end = Clock.now
    try expectEqual(try kernelCount(line) - before, UInt64(count), "/proc/interrupts")
    try object.disconnect()
    try expectEqual(line.interruptNumber, nil, "the interrupt after the disconnect")
    let edges = try object.synchronize { $0.edges }
    try expectEqual(edges.count, count, "edges")
    for (index, edge) in edges.enumerated() {
      try expectEqual(edge.isRising, index % 2 == 0, "edge \(index)")
      try expectEqual(edge.number, edges[0].number + UInt32(index), "number of edge \(index)")
      let earlier = index == 0 ? start : edges[index - 1].nanoseconds
      try expect(
        edge.nanoseconds > earlier, "edge \(index) at \(edge.nanoseconds) after \(earlier)")
    }
    try expect(edges[count - 1].nanoseconds < end, "the last edge is of the future")
    try expectEqual(line.droppedEdges, 0, "dropped")
    let statistics = object.statistics()
    try expectEqual(statistics.interrupts, UInt64(count), "interrupts")
    try expectEqual(statistics.coalesced, 0, "coalesced")
    try expectEqual(statistics.dispatches, UInt64(count) + 1, "dispatches")
  }

  private static func kindsOfEdges() throws {
    let chip = try SimulatedChip(names: [2: "button"])
    defer { withExtendedLifetime(chip) {} }
    let opened = try GPIOChip("/dev/\(chip.name)")
    try expectEqual(opened.label, chip.label, "label")
    let rows: [(GPIOLineSettings, [Bool])] = [
      (GPIOLineSettings(edges: .rising), [true, true]),
      (GPIOLineSettings(edges: .falling), [false, false]),
      (GPIOLineSettings(edges: .both), [true, false, true, false]),
      (GPIOLineSettings(edges: .both, isActiveLow: true), [false, true, false, true]),
      (GPIOLineSettings(edges: .rising, isActiveLow: true), [true, true]),
      (GPIOLineSettings(edges: .both, clock: .realtime), [true, false, true, false]),
    ]
    for (settings, expected) in rows {
      let line = try GPIOLine(opened, name: "button", settings: settings)
      try expectEqual(line.offset, 2, "offset")
      let object = try object(line)
      try connect(object)
      var wall = timespec()
      clock_gettime(CLOCK_REALTIME, &wall)
      let wire = try wire(chip, line)
      var due = 0
      for up in [true, false, true, false] {
        try wire.pull(up: up)
        let isActive = up != settings.isActiveLow
        if settings.edges == .both || isActive == (settings.edges == .rising) { due += 1 }
        try expectInterrupts(object, due)
        try expectEqual(try line.value(), isActive, "level")
      }
      try object.disconnect()
      let edges = try object.synchronize { $0.edges }
      try expectEqual(edges.map(\.isRising), expected, "edges of \(settings)")
      if settings.clock == .realtime {
        let now = UInt64(wall.tv_sec) * 1_000_000_000 + UInt64(wall.tv_nsec)
        try expect(edges[0].nanoseconds > now, "\(edges[0].nanoseconds) is not after \(now)")
      }
    }
  }

  /// Pulls in quick succession, and then a rest.
  private static func debounced() throws {
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let settings = GPIOLineSettings(debounce: .milliseconds(300))
    let line = try GPIOLine(try GPIOChip(chip.label), offset: 1, settings: settings)
    let object = try object(line)
    try connect(object)
    for round in 1...4 {
      let isUp = round % 2 == 1
      for _ in 0..<5 {
        chip.pull(1, up: isUp)
        chip.pull(1, up: !isUp)
      }
      chip.pull(1, up: isUp)
      let last = Clock.now
      try expectInterrupts(object, round)
      try expect(Clock.now - last > 200_000_000, "the edge came while the level bounced")
      try expectEqual(try line.value(), isUp, "the debounced level")
    }
    try object.disconnect()
    let edges = try object.synchronize { $0.edges }
    try expectEqual(edges.map(\.isRising), [true, false, true, false], "edges")
  }

  /// With the lock held the serving thread cannot take more than one read.
  private static func burst() throws {
    let count = 200
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let line = try GPIOLine(
      try GPIOChip(chip.label), offset: 3, settings: GPIOLineSettings(buffer: 16))
    let object = try object(line)
    try connect(object)
    let before = try kernelCount(line)
    let wire = try wire(chip, line)
    try object.object.callSynchronizedRoutine {
      Result { for edge in 1...count { try wire.pull(up: edge % 2 == 1) } }
    }.get()
    try expectInterrupts(object, count)
    try expectEqual(try kernelCount(line) - before, UInt64(count), "/proc/interrupts")
    let edges = try object.synchronize { $0.edges }
    try expect(line.droppedEdges > 0, "the buffer of 16 took \(edges.count) of \(count) edges")
    try expectEqual(line.droppedEdges + UInt64(edges.count), UInt64(count), "dropped and seen")
    try expectEqual(edges.last?.number, edges[0].number &- 1 &+ UInt32(count), "the last number")
    let statistics = object.statistics()
    try expectEqual(
      statistics.interrupts - statistics.coalesced, statistics.dispatches - 1, "what shared")
    try wire.pull(up: true)
    try expectInterrupts(object, count + 1)
    try object.disconnect()
    let next = try object.synchronize { $0.edges.last?.number }
    try expectEqual(next, edges.last.map { $0.number + 1 }, "the next number")
  }

  /// Toggles a line until it is stopped.
  private final class Toggling: Sendable {
    private let isOver = Atomic<Bool>(false)
    let pulls = Atomic<Int>(0)
    private let ended = Atomic<Bool>(false)

    init(_ chip: SimulatedChip, _ offset: Int) throws {
      try WorkerThread(name: "toggling") { [self] in
        var up = false
        while !isOver.load(ordering: .relaxed) {
          up.toggle()
          chip.pull(offset, up: up)
          pulls.add(1, ordering: .relaxed)
        }
        ended.store(true, ordering: .releasing)
      }.detach()
    }

    func stop() throws {
      isOver.store(true, ordering: .relaxed)
      try Guest.waitFor("the toggling to end") { ended.load(ordering: .acquiring) }
    }
  }

  private static func storm() throws {
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let line = try GPIOLine(try GPIOChip(chip.label), offset: 4)
    let storm = StormPolicy(
      limit: 50, action: .backOff(first: .milliseconds(300), longest: .milliseconds(300)))
    let object = try object(line, storm: storm)
    try connect(object)
    try object.synchronize { $0.claims = false }
    let toggling = try Toggling(chip, 4)
    defer { try? toggling.stop() }
    try Guest.waitFor("the brake") {
      object.state == .storming && line.interruptNumber == nil
    }
    // The kernel takes no interrupt of it: pulls go on, and nothing is counted.
    let counted = object.statistics().interrupts
    let pulls = toggling.pulls.load(ordering: .relaxed)
    try Guest.waitFor("pulls during the pause") {
      toggling.pulls.load(ordering: .relaxed) > pulls + 5 || object.state != .storming
    }
    if object.state == .storming {
      try expectEqual(object.statistics().interrupts, counted, "interrupts during the pause")
    }
    try Guest.waitFor("another pause") { object.statistics().interrupts > counted }
    try object.synchronize { $0.claims = true }
    try Guest.waitFor("the storm's end", seconds: 60) {
      object.state == .connected && object.statistics().claimed > 100
    }
    try toggling.stop()
    try expect(object.statistics().storms >= 1, "no storm was counted")
    try object.disconnect()
    let edges = try object.synchronize { $0.edges }
    // Nothing is lost but what came while the edges were off, which has no number.
    try expectEqual(
      UInt64(edges.count) + line.droppedEdges, object.statistics().interrupts, "edges")
    try expectEqual(
      edges.last.map { UInt64($0.number &- edges[0].number) + 1 },
      UInt64(edges.count) + line.droppedEdges, "numbers")
  }

  /// With the edges off nothing tells of it: the dispatch after the pause lets the routine ask.
  private static func lookAfterPause() throws {
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let line = try GPIOLine(try GPIOChip(chip.label), offset: 4)
    let object = try object(line, storm: StormPolicy(limit: 5, action: .stayMasked))
    try connect(object)
    try object.synchronize { $0.claims = false }
    let wire = try wire(chip, line)
    for edge in 1...5 {
      try wire.pull(up: edge % 2 == 1)
      try expectInterrupts(object, edge)
    }
    try Guest.waitFor("the brake") { object.state == .storming && line.interruptNumber == nil }
    chip.pull(4, up: false)
    try expectEqual(try line.value(), false, "the level while the line is braked")
    try object.synchronize { $0.claims = true }
    object.resumeAfterStorm()
    try Guest.waitFor("the look after the pause") { try object.synchronize { $0.looks } == 2 }
    try expectEqual(object.state, .connected, "state")
    try expectEqual(object.statistics().interrupts, 5, "interrupts")
    try self.wire(chip, line).pull(up: true)
    try expectInterrupts(object, 6)
    try object.disconnect()
    try expectEqual(object.statistics().storms, 1, "storms")
  }

  private static func churn() throws {
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let line = try GPIOLine(try GPIOChip(chip.label), offset: 5)
    let object = try object(line)
    let toggling = try Toggling(chip, 5)
    defer { try? toggling.stop() }
    for round in 1...repetitions(200, short: 30) {
      let before = object.statistics().interrupts
      try object.connect()
      try Guest.waitFor("edges in round \(round)") {
        object.statistics().interrupts > before + 5
      }
      try object.disconnect()
      try expectEqual(line.interruptNumber, nil, "the interrupt in round \(round)")
      let counted = object.statistics().interrupts
      let pulls = toggling.pulls.load(ordering: .relaxed)
      try Guest.waitFor("pulls") { toggling.pulls.load(ordering: .relaxed) > pulls + 3 }
      try expectEqual(object.statistics().interrupts, counted, "after disconnect \(round)")
    }
    try toggling.stop()
    let seen = try object.synchronize { $0.edges.count }
    try expectEqual(UInt64(seen) + line.droppedEdges, object.statistics().interrupts, "edges")
  }

  private static func group() throws {
    let count = repetitions(5_000, short: 500)
    let chips = try ["suite", "other"].map { try SimulatedChip($0) }
    defer { withExtendedLifetime(chips) {} }
    let lines = try chips.map { try GPIOLine(try GPIOChip($0.label), offset: 0) }
    let group = try DispatcherGroup()
    let objects = try lines.map { try object($0, group: group) }
    for object in objects { try connect(object) }
    let wires = try zip(chips, lines).map { try wire($0, $1) }
    for edge in 1...count {
      for (wire, object) in zip(wires, objects) {
        try wire.pull(up: edge % 2 == 1)
        try expectInterrupts(object, edge)
      }
    }
    for object in objects {
      try object.disconnect()
      try expectEqual(try object.synchronize { $0.edges.count }, count, "edges")
    }
  }
}
