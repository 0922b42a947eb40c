// Reports of the core on their way to a C handler. On the dispatcher's thread, no lock held.
import CInterruptSync
import InterruptSync

@safe struct ReportSink: @unchecked Sendable {
  /// NULL for a group's.
  let object: OpaquePointer?
  let handler: interruptsync_report_handler
  let context: UnsafeMutableRawPointer?

  func send(_ report: InterruptReport) {
    unsafe report.description.withCString { text in
      var answer = unsafe interruptsync_report()
      unsafe answer.size = MemoryLayout<interruptsync_report>.size
      unsafe answer.text = unsafe text
      let (kind, error, count) = Self.parts(report)
      unsafe answer.kind = UInt32(kind)
      unsafe answer.error = error.map { -$0.number } ?? 0
      unsafe answer.count = count
      unsafe handler(object, &answer, context)
    }
  }

  private static func parts(_ report: InterruptReport) -> (Int, InterruptSyncError?, UInt64) {
    switch report {
    case .removed(let error): (INTERRUPTSYNC_REPORT_REMOVED, error, 0)
    case .failed(let error): (INTERRUPTSYNC_REPORT_FAILED, error, 0)
    case .stormBegan(let unclaimed): (INTERRUPTSYNC_REPORT_STORM_BEGAN, nil, unclaimed)
    case .stormEnded: (INTERRUPTSYNC_REPORT_STORM_ENDED, nil, 0)
    case .repeatLimitReached(let passes): (INTERRUPTSYNC_REPORT_REPEAT_LIMIT, nil, passes)
    case .rearmFailed(let error): (INTERRUPTSYNC_REPORT_REARM_FAILED, error, 0)
    case .rearmRecovered: (INTERRUPTSYNC_REPORT_REARM_RECOVERED, nil, 0)
    case .attributeRefused(let error): (INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED, error, 0)
    }
  }
}
