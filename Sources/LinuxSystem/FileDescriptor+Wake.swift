// Descriptors that wake a thread: an eventfd within this process, and a pair of sockets whose other
// end another process gets. Floor 1. VFIO, SharedRing, and the daemon's Clients, Devices and
// Drivers rooms make them, on the thread that opens or attaches, without a lock and not in a
// dispatch. Why there are two: linux_wake_pair.h.
import CLinuxSystem

extension FileDescriptor {
  /// A non-blocking eventfd, for this process alone.
  /// - Throws: `SystemError`: EMFILE, ENFILE or ENOMEM.
  package static func event() throws(SystemError) -> FileDescriptor {
    let fd = linux_event_create()
    guard fd >= 0 else { throw SystemError(-fd, "create an eventfd") }
    return FileDescriptor(adopting: fd)
  }

  /// A pair of which this process signals `own` and passes `other` to another process.
  /// - Throws: `SystemError`: EMFILE, ENFILE or ENOMEM.
  package static func wakePair() throws(SystemError) -> (
    own: FileDescriptor, other: FileDescriptor
  ) {
    var ends: [Int32] = [-1, -1]
    let result = unsafe linux_wake_pair_create(&ends)
    guard result == 0 else { throw SystemError(-result, "create a pair of sockets") }
    return (FileDescriptor(adopting: ends[0]), FileDescriptor(adopting: ends[1]))
  }
}
