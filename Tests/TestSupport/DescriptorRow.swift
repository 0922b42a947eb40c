// Descriptors at numbers in a row, as a process inherits them from its service manager.
import Glibc
package import LinuxSystem

/// The next row ends below it; nil before the first one. A number is given away once, so that a test finds
/// those free that it has closed.
private let top = Guarded<Int32?>(nil)

/// Copies descriptors to numbers in a row that are free, and stay away from other tests: far above the lowest
/// free number, which every open takes. What is tested closes them, or the caller.
/// - Returns: the first number.
package func descriptorsInARow(_ files: [FileDescriptor]) throws -> Int32 {
  try top.withLock { top in
    var end = try top ?? highestNumber()
    while end > 64 {
      let first = end - Int32(files.count)
      // The numbers beside a row stay free.
      end = first - 2
      if copy(files, to: first) {
        top = end
        return first
      }
    }
    throw SystemError(EMFILE, "find descriptors in a row")
  }
}

private func highestNumber() throws -> Int32 {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
    throw SystemError(errno, "getrlimit")
  }
  return Int32(min(limit.rlim_cur, 16384)) - 64
}

/// Whether all numbers were free.
private func copy(_ files: [FileDescriptor], to first: Int32) -> Bool {
  var taken: [Int32] = []
  for (index, file) in files.enumerated() {
    let wanted = first + Int32(index)
    let number = fcntl(file.raw, F_DUPFD, wanted)
    if number >= 0 { taken.append(number) }
    if number != wanted {
      for number in taken { close(number) }
      return false
    }
  }
  return true
}
