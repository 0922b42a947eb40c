// The table under P20, row by row.
import Glibc
import Testing

@testable import InterruptSync

private let s = NTStatus.success
private let u = NTStatus.unsuccessful

/// One dispatch of routines A, B, … whose results come from `scripts`, call by call, and are U when
/// the script is over.
private func dispatchOnce(
  _ mode: InterruptSyncMode, _ scripts: [[NTStatus]]
) throws -> (calls: String, isHandled: Bool) {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: mode, options: InterruptSyncOptions(connectsWithoutRoutines: true))
  let calls = Journal<Character>()
  for (index, script) in scripts.enumerated() {
    let results = Journal<NTStatus>()
    results.entries = script.reversed()
    try object.registerServiceRoutine {
      calls.entries.append(Character(Unicode.Scalar(UInt8(65 + index))))
      return results.entries.popLast() ?? u
    }
  }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  let statistics = object.statistics()
  #expect(statistics.dispatches == 1)
  #expect(statistics.claimed + statistics.unclaimed == 1)
  #expect(statistics.routines.map(\.calls).reduce(0, +) == UInt64(calls.entries.count))
  return (String(calls.entries), statistics.claimed == 1)
}

@Test func P15_normalStopsAfterTheFirstClaim() throws {
  #expect(try dispatchOnce(.normal, [[s], [s], [s]]) == ("A", true))
}

@Test func P15_normalGoesOnUntilSomebodyClaims() throws {
  #expect(try dispatchOnce(.normal, [[u], [s], [s]]) == ("AB", true))
  #expect(try dispatchOnce(.normal, [[u], [u], [s]]) == ("ABC", true))
}

@Test func P15_normalWithoutAClaimCallsEachOnce() throws {
  #expect(try dispatchOnce(.normal, [[u], [u], [u]]) == ("ABC", false))
}

@Test(arguments: 0..<8)
func P16_allCallsEachOnceWhateverTheOthersReturned(_ claims: Int) throws {
  let scripts = (0..<3).map { [claims >> $0 & 1 == 1 ? s : u] }
  #expect(try dispatchOnce(.all, scripts) == ("ABC", claims != 0))
}

@Test func P17_repeatEndsAfterOneCleanPass() throws {
  #expect(try dispatchOnce(.repeat, [[u], [u], [u]]) == ("ABC", false))
}

@Test func P17_repeatRunsUntilACleanPass() throws {
  #expect(try dispatchOnce(.repeat, [[u], [s], [u]]) == ("ABCABC", true))
}

@Test func P17_repeatDoesNotStopInsideAPass() throws {
  #expect(try dispatchOnce(.repeat, [[s], [s], [s]]) == ("ABCABC", true))
}

@Test(arguments: 1...6)
func P17_repeatTakesOnePassMoreThanClaims(_ claims: Int) throws {
  let script = [NTStatus](repeating: s, count: claims)
  let calls = String(repeating: "ABC", count: claims + 1)
  #expect(try dispatchOnce(.repeat, [[], script, []]) == (calls, true))
}

@Test func P19_aClaimInAnyPassOfRepeatCounts() throws {
  // Only the first routine of the first pass claims; two clean calls of it follow in no pass.
  #expect(try dispatchOnce(.repeat, [[s, u], [u, u]]) == ("ABAB", true))
  #expect(try dispatchOnce(.repeat, [[s, u], [u, s]]) == ("ABABAB", true))
}

@Test(arguments: InterruptSyncMode.allCases)
func P20_anEmptyListIsUnhandled(_ mode: InterruptSyncMode) throws {
  #expect(try dispatchOnce(mode, []) == ("", false))
}

@Test func P4_modesHaveTheDocumentedValues() {
  #expect(InterruptSyncMode.allCases.map(\.rawValue) == [1, 2, 3])
  #expect(InterruptSyncMode(rawValue: 0) == nil)
  #expect(InterruptSyncMode.allCases.map(\.description) == ["normal", "all", "repeat"])
}
