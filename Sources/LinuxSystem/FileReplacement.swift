// Replacing a file as a whole, in a folder that other users may write to, too. They can put a
// symbolic link or a FIFO there under any name, so the new file gets a name that cannot be
// foreseen, and is opened only if that makes it. Floor 1. MetricsFile calls it on the control
// thread; DriverBinding and the command statistics on the main thread of interruptsyncctl. No lock
// is taken or held; it may wait for the disk.
import Glibc

extension FileDescriptor {
  /// Replaces a file at once: readers see the old or the new text, and never a part. The file at `path`
  /// is not opened and not followed, whatever it is.
  ///
  /// - Parameters:
  ///   - durably: returns once the disk has the text; waits for it.
  ///   - mode: of the new file, whatever the process' umask is; nil: 0644 under the umask.
  ///   - random: a part of the new file's name until it is complete; tests pass their own.
  package static func replace(
    _ path: String, with text: String, durably: Bool = true, mode: UInt32? = nil,
    random: () -> UInt64 = { UInt64.random(in: .min ... .max) }
  ) throws(SystemError) {
    let (new, file) = try unforeseen(path, random)
    do throws(SystemError) {
      try file.write(text)
      if let mode, fchmod(file.raw, mode) != 0 { throw SystemError(errno) }
      if durably, fsync(file.raw) != 0 { throw SystemError(errno) }
      if unsafe rename(new, path) != 0 { throw SystemError(errno) }
    } catch {
      _ = unsafe unlink(new)
      throw error
    }
  }

  /// A new file beside `path`. O_EXCL: no link is followed, and nothing that is there is opened.
  private static func unforeseen(
    _ path: String, _ random: () -> UInt64
  ) throws(SystemError) -> (path: String, file: FileDescriptor) {
    for _ in 0..<10 {
      let new = "\(path).\(String(random(), radix: 36))~"
      do throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK
        return (new, try open(new, flags, mode: 0o644))
      } catch {
        guard error.number == EEXIST else { throw error }
      }
    }
    throw SystemError(EEXIST)
  }

  private func write(_ text: String) throws(SystemError) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { buffer in
        unsafe Glibc.write(raw, buffer.baseAddress, buffer.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw SystemError(errno)
      }
    }
  }
}
