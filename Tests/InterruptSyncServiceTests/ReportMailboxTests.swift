// Reports of dispatchers reach the control thread through a mailbox.
import CUIO
import InterruptSync
import LinuxSystem
import Testing

@testable import InterruptSyncService

@Test func reportsComeInOrderAndOnce() throws {
  let loop = try EventLoop()
  var taken: [String] = []
  let mailbox = try loop.mailbox(of: DeviceReport.self) { taken.append($0.device) }
  #expect(try loop.turn(milliseconds: 0) == 0)
  mailbox.post(DeviceReport(device: "a", report: .stormEnded))
  mailbox.post(DeviceReport(device: "b", report: .rearmRecovered))
  #expect(try loop.turn(milliseconds: 0) == 1)
  #expect(taken == ["a", "b"])
  #expect(try loop.turn(milliseconds: 0) == 0)
  #expect(taken == ["a", "b"])
}
