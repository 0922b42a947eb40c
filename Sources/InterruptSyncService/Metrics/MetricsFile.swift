// Metrics room. The metrics in a file for the node exporter, replaced as a whole so that a reader
// never sees half of it. Service makes one at the start and at each reload; then a timer of the
// loop calls it. Control thread; no lock.
import Glibc
import LinuxSystem
import UIO
import Varlink

/// Writes a file at an interval.
final class MetricsFile {
  private let path: String
  private let snapshot: () -> [DeviceSnapshot]
  private let loop: EventLoop
  private let journal: Journal
  private var timer: LoopTimer?
  private var hasFailed = false

  /// - Parameter snapshot: the devices as they are when it is called.
  init(
    _ path: String, every interval: TimeSpan, on loop: EventLoop, journal: Journal,
    _ snapshot: @escaping () -> [DeviceSnapshot]
  ) {
    self.journal = journal
    self.path = path
    self.snapshot = snapshot
    self.loop = loop
    timer = loop.after(
      .nanoseconds(Int64(clamping: interval.nanoseconds)), repeats: true
    ) { [unowned self] in write() }
    write()
  }

  deinit { if let timer { loop.cancel(timer) } }

  /// A failure is logged once, until a write succeeds again.
  private func write() {
    do throws(SystemError) {
      // Not durably: nothing waits for a disk on this thread. The node exporter is another user, and
      // the service has a umask that would keep it out.
      try FileDescriptor.replace(
        path, with: OpenMetrics.text(snapshot()), durably: false, mode: 0o644)
      hasFailed = false
    } catch {
      guard !hasFailed else { return }
      hasFailed = true
      let meaning = FileFailure(error.number)
      journal.log(
        LogRecord(
          .warning,
          "\(path): cannot write the metrics: \(meaning.cause) (\(Errno.name(error.number)))",
          hint: meaning.kind == .denied
            ? "let the daemon's user write to the folder" : meaning.hint,
          errno: error.number))
    }
  }
}
