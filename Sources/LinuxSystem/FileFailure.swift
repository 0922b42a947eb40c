// What an error number means where a file is read, written, made or replaced: one table, so that
// each floor has a cause and a remedy. Floor 1; DriverBinding, VarlinkError, the daemon's client
// library, and the daemon's configuration, drivers and metrics make one when a file fails. A value,
// for any thread, without a lock.
import Glibc

/// Why the kernel refused an operation on a file, in words.
package struct FileFailure: Equatable, Sendable {
  /// For callers that have codes of their own.
  package enum Kind: Sendable {
    case denied, readOnly, exhausted, absent, busy, gone, malformed, failed, undocumented
  }

  package let kind: Kind
  package let cause: String
  package let hint: String

  private init(_ kind: Kind, _ cause: String, _ hint: String) {
    self.kind = kind
    self.cause = cause
    self.hint = hint
  }

  /// - Parameter number: as errno(3) has it.
  package init(_ number: Int32) {
    self =
      switch number {
      case EACCES: Self(.denied, "permission denied", "run as root")
      case EPERM:
        Self(
          .denied, "the operation is not permitted",
          "run as root; a file that is immutable (lsattr), a sandbox or kernel lockdown refuses root, too"
        )
      case EROFS:
        Self(
          .readOnly, "the file system is mounted read-only here",
          "findmnt shows the mount: remount it, or run outside the container or sandbox (systemd: ReadWritePaths=)"
        )
      case ENOSPC:
        Self(
          .exhausted, "the file system has no room", "free some: df and df -i show how much is left"
        )
      case EDQUOT:
        Self(
          .exhausted, "the user's quota of the file system is used up",
          "free some space, or have the quota raised: quota shows it")
      case EFBIG:
        Self(
          .exhausted, "the file would be larger than the process may write",
          "raise the limit (systemd: LimitFSIZE=; a shell: ulimit -f)")
      case EMFILE:
        Self(
          .exhausted, "the process has too many open files",
          "raise the limit (systemd: LimitNOFILE=; a shell: ulimit -n)")
      case ENFILE:
        Self(.exhausted, "all processes have too many open files", "raise the sysctl fs.file-max")
      case ENOMEM:
        Self(.exhausted, "out of memory", "free some, or raise the limit (systemd: MemoryMax=)")
      case ENOENT: Self(.absent, "there is no such file or folder", "check the path")
      case ENOTDIR:
        Self(
          .malformed, "a part of the path is not a folder", "replace it with a folder, or remove it"
        )
      case EISDIR: Self(.malformed, "it is a folder", "remove it")
      case ELOOP:
        Self(
          .malformed, "its symbolic links lead in a circle, or are not followed",
          "point them at a file, or remove them")
      case ENAMETOOLONG: Self(.malformed, "the name is too long", "use a shorter one")
      case EINVAL: Self(.malformed, "the value is not accepted", "dmesg may say why")
      case EEXIST, ENOTEMPTY: Self(.busy, "it exists already", "remove it")
      case EBUSY: Self(.busy, "it is in use", "stop what uses it, then try again")
      case ETXTBSY: Self(.busy, "it is being run", "stop the program")
      case EAGAIN: Self(.busy, "it would have to wait", "try again")
      case ENODEV, ENXIO:
        Self(.gone, "the device is absent or was removed", "check that the device is present")
      case EIO: Self(.failed, "the file system, its disk or the driver failed", "dmesg may say why")
      case ENOSYS, EOPNOTSUPP:
        Self(.failed, "the file system does not have the operation", "use another file system")
      default:
        Self(
          .undocumented, "the kernel answered with an error that is not documented for it",
          "dmesg may say why")
      }
  }
}
