// What the error numbers of files mean.
import Glibc
import Testing

@testable import LinuxSystem

/// Those that open(2), write(2), mkdir(2), rename(2), unlink(2), fsync(2), readdir(3) and the attributes of
/// sysfs answer.
private let numbers: [Int32] = [
  EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM, ENOENT, ENOTDIR, EISDIR,
  ELOOP, ENAMETOOLONG, EINVAL, EEXIST, ENOTEMPTY, EBUSY, ETXTBSY, EAGAIN, ENODEV, ENXIO, EIO,
  ENOSYS, EOPNOTSUPP,
]

@Test func everyErrorNumberOfAFileHasACauseAndARemedy() {
  for number in numbers {
    let meaning = FileFailure(number)
    #expect(meaning.kind != .undocumented, "\(Errno.name(number))")
    #expect(!meaning.cause.isEmpty && !meaning.hint.isEmpty, "\(Errno.name(number))")
  }
  #expect(Set(numbers.map { FileFailure($0).cause }).count == numbers.count - 3)
  #expect(FileFailure(EBADMSG).kind == .undocumented)
}

@Test func aFileSystemThatIsReadOnlyOrFullIsNoMissingPermission() {
  #expect(FileFailure(EROFS).cause == "the file system is mounted read-only here")
  #expect(FileFailure(EROFS).hint.contains("ReadWritePaths="))
  #expect(!FileFailure(EROFS).hint.contains("root"))
  #expect(FileFailure(ENOSPC).cause == "the file system has no room")
  #expect(FileFailure(ENOSPC).hint.contains("df"))
}

@Test func aFolderThatIsGoneWhileItIsListedEndsThere() throws {
  #expect(throws: SystemError(ENOENT)) { try FileDescriptor.list("/proc/0") }
  #expect(throws: SystemError(ENOTDIR)) { try FileDescriptor.list("/proc/self/stat") }
  #expect(try FileDescriptor.list("/proc/self/task").count >= 1)
}
