// Open files that end while other threads still use their numbers: the number stays taken, and what
// it names is replaced in one step. Floor 1. VFIO calls it, at PASSIVE_LEVEL: `ended` on the thread
// that opens a device, `become` on the thread `vfio notices` when the host wants it back, or on the
// one that closes its group. It takes no lock; VFIO's monitors may be held.
import CLinuxSystem

extension FileDescriptor {
  /// A file at its end: every read finds that, and poll(2) finds it hung up.
  /// - Throws: `SystemError`: EMFILE or ENFILE.
  package static func ended() throws(SystemError) -> FileDescriptor {
    let raw = linux_end_create()
    guard raw >= 0 else { throw SystemError(-raw, "make a file at its end") }
    return FileDescriptor(adopting: raw)
  }

  /// Closes the file and puts `other` in its place. Calls that are under way finish on the file that
  /// they began with.
  package func become(_ other: FileDescriptor) { _ = linux_end_replace(raw, other.raw) }
}
