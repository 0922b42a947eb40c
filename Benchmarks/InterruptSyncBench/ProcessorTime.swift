import Glibc

/// Processor time of this process, without the calling thread, in nanoseconds.
enum ProcessorTime {
  static func ofOtherThreads() -> UInt64 {
    used(CLOCK_PROCESS_CPUTIME_ID) &- ofThread()
  }

  /// Of the calling thread, in nanoseconds.
  static func ofThread() -> UInt64 { used(CLOCK_THREAD_CPUTIME_ID) }

  private static func used(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
