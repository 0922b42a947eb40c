// What runs inside the guest: one process, one test after the other, on real UIO devices. Prints a
// line per test and a closing line with the counts; the exit status says whether all passed.
import CUIO
import Glibc
import InterruptSync
import UIO

/// A test: its name, cited rule or fact first where there is one, and what it does.
struct Case: Sendable {
  let name: String
  let body: @Sendable () throws -> Void

  init(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
    self.name = name
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

@main
struct Suite {
  static func main() {
    let wanted = CommandLine.arguments.dropFirst()
    if wanted.first == "--client" { ServiceClient.main(Array(wanted.dropFirst())) }
    let all =
      EduTests.cases + HPETTests.cases + UARTTests.cases + HDATests.cases + ExclusionTests.cases
      + FixtureTests.cases + ErrorTests.cases + StormTests.cases + RemovalTests.cases
      + AccessTests.cases + DaemonTests.cases + ServiceTests.cases + AdoptTests.cases
      + ReloadTests.cases + ExampleTests.cases + BenchmarkTests.cases + SystemdTests.cases
      + RestartTests.cases + BindTests.cases + ControlTests.cases
      + PackageTests.cases + LockdownTests.cases
    var passed = 0
    var failed = 0
    for test in all where wanted.isEmpty || wanted.contains(where: { test.name.contains($0) }) {
      let start = cuio_nanoseconds()
      do {
        try test.body()
        passed += 1
        say("PASS \(test.name) (\(milliseconds(since: start)) ms)")
      } catch {
        failed += 1
        say("FAIL \(test.name): \(error)")
      }
    }
    say("\(passed) passed, \(failed) failed")
    exit(failed == 0 && passed > 0 ? 0 : 1)
  }

  private static func milliseconds(since start: UInt64) -> UInt64 {
    (cuio_nanoseconds() - start) / 1_000_000
  }
}

/// Prints a line at once, so that a hang shows what came before it.
func say(_ line: String) {
  print(line)
  fflush(nil)
}
