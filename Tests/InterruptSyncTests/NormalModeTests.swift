import InterruptSync
import Testing

@Test func P15_normalStopsAfterTheFirstClaim() throws {
  let line = try SoftwareLine()
  let object = InterruptSyncObject(source: line, mode: .normal)
  let a = try object.registerServiceRoutine { .success }
  let b = try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  while object.statistics().dispatches < 1 {}
  try object.disconnect()
  #expect(a.statistics == ServiceRoutineStatistics(calls: 1, claims: 1))
  #expect(b.statistics.calls == 0)
}
