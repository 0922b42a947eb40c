// Room Core: converts between the public `Duration` and the integers of clocks, counters and system
// calls. The rooms Deferred, Object and Serving, the C interface and the daemon call it where they
// take or give a time. Values: any thread, no lock; not used between the count and the re-arm.

extension Duration {
  /// Whole nanoseconds, rounded down: 0 for what is negative, the largest number for what is
  /// longer.
  package var inNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (whole, isTooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isJustTooLong) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return isTooLong || isJustTooLong ? .max : sum
  }

  /// Whole milliseconds as poll(2) takes them, rounded up so that no pause is too short.
  var inMilliseconds: Int32 {
    let nanoseconds = inNanoseconds
    return Int32(clamping: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1))
  }
}
