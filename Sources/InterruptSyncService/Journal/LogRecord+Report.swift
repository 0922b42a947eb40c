package import InterruptSync

extension LogRecord {
  /// What a dispatcher has to say about a device.
  package init(_ report: InterruptReport, device: String, interrupts: UInt64) {
    let (priority, event, errno): (LogLevel, JournalEvent, Int32) =
      switch report {
      case .removed: (.notice, .deviceRemoved, 0)
      case .failed(let error): (.error, .deviceFailed, error.errorNumber)
      case .stormBegan: (.warning, .stormBegan, 0)
      case .stormEnded: (.notice, .stormEnded, 0)
      case .repeatLimitReached: (.warning, .repeatLimitReached, 0)
      case .rearmFailed(let error): (.error, .rearmFailed, error.errorNumber)
      case .rearmRecovered: (.notice, .rearmRecovered, 0)
      case .attributeRefused(let error): (.warning, .attributeRefused, error.errorNumber)
      }
    self.init(
      priority, "\(device): \(report)", event: event, device: device, interrupts: interrupts,
      errno: errno)
  }
}
