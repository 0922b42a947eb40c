// fault-scenarios NAME [cold [USUAL]]: lives a scenario of the library's once for each fault that the supervisor arms, and
// prints a line for each: what came of it, what is not as it was before, and whether the scenario works afterwards.
// `cold` lives it under one fault in a process that has made nothing before, and prints what the process has at last, which
// takes a moment to be what it usually is.
// Without a name: the names. Run by Tests/Faults.
import Glibc
import InterruptSync
import LinuxSystem

let arguments = CommandLine.arguments.dropFirst()
guard let name = arguments.first else {
  print(Scenario.all.map(\.name).joined(separator: " "))
  exit(0)
}
guard let scenario = (Scenario.all + Scenario.planted).first(where: { $0.name == name }) else {
  exit(2)
}

/// Lives the scenario once.
func outcome() -> String {
  do {
    try scenario.run()
    return "ok"
  } catch let error as InterruptSyncError {
    return "error \(error.code.rawValue): \(error)"
  } catch let error as SystemError {
    return "error \(error)"
  } catch {
    return "WRONG \(error)"
  }
}

/// Threads end a moment after they are joined, and the observers' thread lets go of a ring when it comes to it.
func settled(_ isUsual: (Footprint) -> Bool) throws -> Footprint {
  var now = try Footprint.now()
  for _ in 0..<1000 where !isUsual(now) {
    usleep(200)
    now = try Footprint.now()
  }
  return now
}

/// The same for some time.
func quiet(turns wanted: Int = 20) throws -> Footprint {
  var before = try Footprint.now()
  var turns = 0
  while turns < wanted {
    usleep(2000)
    let now = try Footprint.now()
    turns = now == before ? turns + 1 : 0
    before = now
  }
  return before
}

func say(_ text: String) {
  print(text.split(separator: "\n").joined(separator: " "))
  // A pipe is buffered: the line of a case must be out before the next case ends the program.
  fflush(nil)
}

if arguments.contains("cold") {
  _ = Seam.arm()
  let result = outcome()
  Seam.disarm()
  // A thread that is still ending holds what the next life would use again.
  _ = try quiet(turns: 5)
  let again = outcome()
  say(result + (again == "ok" ? "" : " AFTERWARDS \(again)"))
  let usual = arguments.last ?? ""
  say("\(try usual == "cold" ? quiet() : settled { "\($0)" == usual })")
  exit(0)
}

// What is made once, and kept, is made here.
for _ in 0..<3 {
  let result = outcome()
  guard result == "ok" else {
    say("WRONG without a fault: \(result)")
    exit(1)
  }
}
var before = try quiet()
while Seam.arm() {
  let result = outcome()
  Seam.disarm()
  let after = try settled { $0 == before }
  let again = outcome()
  say(
    result + (after == before ? "" : " LEFT \(after), before \(before)")
      + (again == "ok" ? "" : " AFTERWARDS \(again)"))
  // What has been left is said once.
  before = after
  // A thread of the second life that is still ending holds what the next would use again.
  _ = try settled { $0 == after }
}
