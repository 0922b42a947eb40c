// The figures in a file for the node exporter: whole or not at all.
import Glibc
import LinuxSystem
import UIO
import Varlink

/// Writes a file anew in an interval.
final class MetricsFile {
  private let path: String
  private let registry: DeviceRegistry
  private let loop: EventLoop
  private let journal: Journal
  private var timer: LoopTimer?
  private var hasFailed = false

  init(
    _ path: String, every interval: TimeSpan, of registry: DeviceRegistry, on loop: EventLoop,
    journal: Journal
  ) {
    self.journal = journal
    self.path = path
    self.registry = registry
    self.loop = loop
    timer = loop.after(
      .nanoseconds(Int64(clamping: interval.nanoseconds)), repeats: true
    ) { [unowned self] in write() }
    write()
  }

  deinit { if let timer { loop.cancel(timer) } }

  /// A failure is told once, until it works again.
  private func write() {
    do throws(SystemFailure) {
      try Self.replace(path, with: OpenMetrics.text(registry.devices))
      hasFailed = false
    } catch {
      guard !hasFailed else { return }
      hasFailed = true
      journal.log(
        .warning, "\(path): metrics cannot be written (\(Errno.name(error.number)))",
        errno: error.number)
    }
  }

  static func replace(_ path: String, with text: String) throws(SystemFailure) {
    let new = path + ".new"
    do throws(SystemFailure) {
      let file = try FileDescriptor.open(new, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let written = unsafe rest.withUnsafeBytes {
          unsafe Glibc.write(file.raw, $0.baseAddress, $0.count)
        }
        if written < 0, errno != EINTR { throw SystemFailure(errno) }
        rest = rest.dropFirst(max(written, 0))
      }
      guard unsafe rename(new, path) == 0 else { throw SystemFailure(errno) }
    } catch {
      _ = unsafe unlink(new)
      throw error
    }
  }
}
