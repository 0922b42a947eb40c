// Metrics room. The metrics in a file for the node exporter, replaced as a whole so that a reader
// never sees half of it. Control thread; no lock.
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
      try Self.replace(path, with: OpenMetrics.text(snapshot()))
      hasFailed = false
    } catch {
      guard !hasFailed else { return }
      hasFailed = true
      journal.log(
        .warning, "\(path): cannot write the metrics (\(Errno.name(error.number)))",
        errno: error.number)
    }
  }

  static func replace(_ path: String, with text: String) throws(SystemError) {
    let new = path + ".new"
    do throws(SystemError) {
      let file = try FileDescriptor.open(new, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let written = unsafe rest.withUnsafeBytes {
          unsafe Glibc.write(file.raw, $0.baseAddress, $0.count)
        }
        if written < 0, errno != EINTR { throw SystemError(errno) }
        rest = rest.dropFirst(max(written, 0))
      }
      guard unsafe rename(new, path) == 0 else { throw SystemError(errno) }
    } catch {
      _ = unsafe unlink(new)
      throw error
    }
  }
}
