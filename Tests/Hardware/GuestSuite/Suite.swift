// What runs inside the guest: one process, one test after the other, on real UIO devices. Prints a
// line per test and a closing line with the counts; the exit status says whether all passed.
import CUIO
import Glibc
import InterruptSync
import UIO

/// A test: its name, cited rule or fact first where there is one, and what it does.
struct Case: Sendable {
  let name: String
  /// The case has hung when it takes longer. Generous: it only has to end a hang, and an emulated
  /// machine may be many times slower than another.
  let limit: Duration
  let body: @Sendable () throws -> Void

  init(
    _ name: String, limit: Duration = .seconds(300), _ body: @escaping @Sendable () throws -> Void
  ) {
    self.name = name
    self.limit = limit
    self.body = body
  }
}

/// Why a test failed.
struct Failure: Error, CustomStringConvertible {
  let description: String
}

/// Fails the test unless `condition` holds.
func expect(
  _ condition: Bool, _ message: @autoclosure () -> String, line: Int = #line
) throws(Failure) {
  if !condition { throw Failure(description: "line \(line): \(message())") }
}

/// Fails the test unless both are the same.
func expectEqual<T: Equatable>(
  _ actual: T, _ expected: T, _ what: String, line: Int = #line
) throws(Failure) {
  try expect(actual == expected, "\(what): \(actual), expected \(expected)", line: line)
}

/// Fails the test unless `body` throws a UIOError with `code` whose text has every one of `words`.
func expectUIOError(
  _ code: UIOError.Code, _ words: [String], line: Int = #line, _ body: () throws -> Void
) throws {
  do { try body() } catch let error as UIOError {
    try expectEqual(error.code, code, "code of \"\(error)\"", line: line)
    for word in words {
      try expect(error.description.contains(word), "\"\(error)\" lacks \"\(word)\"", line: line)
    }
    return
  }
  throw Failure(description: "line \(line): no error, expected \(code)")
}

/// Fails the test unless `body` throws an InterruptSyncError with `code`; gives it for a closer
/// look.
@discardableResult
func expectSyncError(
  _ code: InterruptSyncError.Code, line: Int = #line, _ body: () throws -> Void
) throws -> InterruptSyncError {
  do { try body() } catch let error as InterruptSyncError {
    try expectEqual(error.code, code, "code of \"\(error)\"", line: line)
    return error
  }
  throw Failure(description: "line \(line): no error, expected \(code)")
}

/// Whether the long forms were asked for: `make soak`.
nonisolated(unsafe) private(set) var isSoak = false

/// How often something is repeated: `count` times in `make soak`, `short` times in `make test`.
func repetitions(_ count: Int, short: Int) -> Int { isSoak ? count : short }

@main
struct Suite {
  static func main() {
    var wanted = Array(CommandLine.arguments.dropFirst())
    if wanted.first == "--client" { ServiceClient.main(Array(wanted.dropFirst())) }
    if wanted.first == "--soak" {
      isSoak = true
      wanted.removeFirst()
    }
    let isVFIO = wanted.first == "--vfio"
    if isVFIO { wanted.removeFirst() }
    // For a guest with an IOMMU, and devices of vfio-pci.
    let behindIOMMU =
      VFIOTests.cases + VFIOMemoryTests.cases + VFIOErrorTests.cases + VFIOProgramTests.cases
      + VFIODaemonTests.cases + VFIOServiceTests.cases + VFIOHotPlugTests.cases + NVMeTests.cases
      + BenchmarkTests.vfioCases
    let others =
      EduTests.cases + HPETTests.cases + UARTTests.cases + HDATests.cases + ExclusionTests.cases
      + FixtureTests.cases + MemoryTests.cases + ErrorTests.cases + StormTests.cases
      + RemovalTests.cases
      + SiblingTests.cases + AccessTests.cases + DaemonTests.cases + ServiceTests.cases
      + PythonTests.cases + AdoptTests.cases + AffinityTests.cases
      + ReloadTests.cases + ExampleTests.cases + RecipeTests.cases + BenchmarkTests.cases
      + SystemdTests.cases + RestartTests.cases + AttackTests.cases + BindTests.cases
      + ControlTests.cases + ContainerTests.cases + SandboxTests.cases + FirstHourTests.cases
      + PackageTests.cases
      + ProcessTests.cases + GPIOTests.cases + GPIOErrorTests.cases
      // Last: see there.
      + LockdownTests.cases
    let chosen = (isVFIO ? behindIOMMU : others).filter { test in
      wanted.isEmpty || wanted.contains { test.name.contains($0) }
    }
    var passed = 0
    var failed = 0
    for test in chosen {
      let start = linux_nanoseconds()
      let before = (passed: passed, failed: failed)
      let watchdog = Watchdog(limit: test.limit) {
        // The case holds on to what it hangs in, so nothing after it can be trusted to run.
        say("FAIL \(test.name): no end after \(test.limit)")
        let lost = chosen.count - before.passed - before.failed
        if lost > 1 { say("FAIL \(lost - 1) more cases did not run") }
        say("\(before.passed) passed, \(before.failed + lost) failed")
        _exit(1)
      }
      do {
        try test.body()
        watchdog.stop()
        passed += 1
        say("PASS \(test.name) (\(milliseconds(since: start)) ms)")
      } catch {
        watchdog.stop()
        failed += 1
        say("FAIL \(test.name): \(error)")
        Guest.restore()
      }
    }
    if chosen.isEmpty { say("no case has \(wanted.joined(separator: " or ")) in its name") }
    say("\(passed) passed, \(failed) failed")
    exit(failed == 0 && passed > 0 ? 0 : 1)
  }

  private static func milliseconds(since start: UInt64) -> UInt64 {
    (linux_nanoseconds() - start) / 1_000_000
  }
}

/// Prints a line at once, so that a hang shows what came before it.
func say(_ line: String) {
  print(line)
  fflush(nil)
}
