// interleavings                    the names of the scenarios
// interleavings NAME               every order of its steps with at most two preemptions
// interleavings NAME SCHEDULE      one of them, step by step; SCHEDULE is what a failed run prints
//
// One thread runs at a time. A run is the list of its choices; after a run the last choice that has another option
// takes that, until none has. A choice that takes the processor from a thread that could go on is a preemption.
import CLinuxSystem
import CSchedule
import Glibc
import LinuxSystem

/// `place:option` of each choice that is not 0; `-` where none is.
func text(_ choices: [UInt16]) -> String {
  let told = choices.enumerated().filter { $0.element != 0 }.map { "\($0.offset):\($0.element)" }
  return told.isEmpty ? "-" : told.joined(separator: ",")
}

func choices(_ text: String) -> [UInt16]? {
  guard text != "-" else { return [] }
  var all: [UInt16] = []
  for part in text.split(separator: ",") {
    let pair = part.split(separator: ":").compactMap { UInt16($0) }
    guard pair.count == 2, pair[0] >= all.count, pair[0] < SCHEDULE_CHOICES else {
      return nil
    }
    all += [UInt16](repeating: 0, count: Int(pair[0]) - all.count) + [pair[1]]
  }
  return all
}

final class Explorer {
  let scenario: Scenario
  let run = UnsafeMutablePointer<schedule_run>.allocate(capacity: 1)
  private(set) var schedules = 0
  private(set) var longest = 0

  init(_ scenario: Scenario, traces: Bool = false) {
    self.scenario = scenario
    // Measures the clock, which stands still during a run.
    _ = linux_nanoseconds_to_ticks(1)
    run.initialize(to: schedule_run())
    run.pointee.most_preemptions = 2
    run.pointee.looks_late = scenario.plant == .lateLook
    run.pointee.traces = traces
  }

  private var chosen: UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(run).assumingMemoryBound(to: UInt16.self)
  }
  private var options: UnsafeMutablePointer<UInt16> { chosen + Int(SCHEDULE_CHOICES) }

  private static let first: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
    let world = Unmanaged<World>.fromOpaque(context!).takeUnretainedValue()
    world.prepare()
    if world.scenario.first == .drop {
      world.drop()
    } else {
      world.scenario.first.perform(in: world)
    }
  }

  private static let second: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
    let world = Unmanaged<World>.fromOpaque(context!).takeUnretainedValue()
    schedule_pause_until("the first script's preparation", world.isReady)
    if world.scenario.second == .drop {
      world.drop()
    } else {
      world.scenario.second.perform(in: world)
    }
  }

  /// What is wrong with the run that begins with these choices.
  func play(_ prefix: [UInt16]) throws -> [String] {
    for (place, choice) in prefix.enumerated() { chosen[place] = choice }
    run.pointee.given = prefix.count
    let world = try World(scenario)
    let result = schedule_play(
      run, Self.first, Self.second, Unmanaged.passUnretained(world).toOpaque())
    schedules += 1
    longest = max(longest, run.pointee.taken)
    let end: String? =
      switch result {
      case SCHEDULE_ENDED: nil
      case SCHEDULE_DEADLOCK: "the threads wait for one another"
      case SCHEDULE_ENDLESS: "the threads do not come to an end"
      case SCHEDULE_STUCK: "a thread waits at a place that is no pause point"
      default: "the choices are not of this program"
      }
    if let end {
      schedule_print_threads()
      return world.found + [end]
    }
    world.check()
    return world.found
  }

  var taken: [UInt16] { (0..<run.pointee.taken).map { chosen[$0] } }

  /// The choices of the next run.
  private func next() -> [UInt16]? {
    var place = run.pointee.taken - 1
    while place >= 0, chosen[place] + 1 >= options[place] { place -= 1 }
    guard place >= 0 else { return nil }
    return (0..<place).map { chosen[$0] } + [chosen[place] + 1]
  }

  /// What is wrong with the first run that has something wrong.
  func explore() throws -> [String] {
    var prefix: [UInt16]? = []
    while let now = prefix {
      let flaws = try play(now)
      guard flaws.isEmpty else { return flaws }
      prefix = next()
    }
    return []
  }
}

func fail(_ name: String, _ explorer: Explorer, _ flaws: [String]) -> Never {
  print("FAILED \(name), schedule \(text(explorer.taken)): \(flaws.joined(separator: "; "))")
  fflush(nil)
  // Threads of the run may still wait for one another.
  _exit(1)
}

let arguments = CommandLine.arguments.dropFirst()
guard let name = arguments.first else {
  for scenario in Scenario.planted + Scenario.all { print(scenario.name) }
  exit(0)
}
guard let scenario = (Scenario.planted + Scenario.all).first(where: { $0.name == name }) else {
  print("there is no scenario \(name)")
  exit(2)
}
if let told = arguments.dropFirst().first {
  guard let prefix = choices(told) else {
    print("a schedule is a list of place:option, or -")
    exit(2)
  }
  let explorer = Explorer(scenario, traces: true)
  let flaws = try explorer.play(prefix)
  guard flaws.isEmpty else { fail(name, explorer, flaws) }
  print("passed \(name), schedule \(text(explorer.taken))")
} else {
  let explorer = Explorer(scenario)
  let flaws = try explorer.explore()
  guard flaws.isEmpty else { fail(name, explorer, flaws) }
  print(
    "passed \(name): \(explorer.schedules) schedules, at most \(explorer.longest) choices in one")
}
