import Glibc
import UIO

/// A socket on which a server takes connections.
struct Listener {
  let socket: FileDescriptor
  let watch: EventLoop.Watch
  /// The node to remove at the end; nil for a socket that was handed in.
  let path: String?

  func close(on loop: EventLoop) {
    loop.unwatch(watch)
    if let path { _ = unsafe unlink(path) }
  }
}
