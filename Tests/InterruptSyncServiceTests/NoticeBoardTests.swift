import CUIO
import InterruptSync
import Testing

@testable import InterruptSyncService

@Test func noticesComeInOrderAndOnce() throws {
  let board = try NoticeBoard()
  #expect(board.take().isEmpty)
  board.post("a", .stormEnded)
  board.post("b", .rearmRecovered)
  #expect(cuio_wait(board.event.raw, -1, 0, false) == Int32(CUIO_WAIT_READABLE))
  #expect(board.take().map(\.device) == ["a", "b"])
  #expect(cuio_wait(board.event.raw, -1, 0, false) == 0)
  #expect(board.take().isEmpty)
}
