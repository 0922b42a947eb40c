// A child process whose standard input and output are this process's end of a pair of sockets. Floor 1;
// VarlinkClient makes one for a service that is reached by a program, such as ssh, on the caller's
// thread, which waits for the child to end when it releases it. No lock; PASSIVE_LEVEL.
import CLinuxSystem
import Glibc

/// A running program, and the socket that is its standard input and output.
package final class ConnectedProcess {
  /// How a process ended.
  package enum Ending: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// This process's end: a stream.
  package let socket: FileDescriptor
  private let process: pid_t
  private var ending: Ending?

  /// Starts a program. It keeps the standard error and the environment of this process, and ends with the
  /// calling thread, however that ends.
  /// - Parameter command: the program, looked for on PATH, and its arguments; not empty.
  /// - Throws: `SystemError`: ENOENT when there is no such program, EACCES, EMFILE, ENFILE, ENOMEM or
  ///   EAGAIN.
  package init(_ command: [String]) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw SystemError(errno, "create a pair of sockets")
    }
    socket = FileDescriptor(adopting: ends[0])
    let other = FileDescriptor(adopting: ends[1])
    process = unsafe Self.withWords(command) { unsafe linux_spawn($0, other.raw) }
    guard process > 0 else { throw SystemError(-process, "start \(command[0])") }
  }

  /// Runs a program in place of this process's own, with the same standard input and output. It returns
  /// only when it fails.
  /// - Parameter command: as for `init`.
  package static func replaceThisProcess(by command: [String]) -> SystemError {
    unsafe withWords(command) { _ = unsafe execvp(command[0], $0) }
    return SystemError(errno, "start \(command[0])")
  }

  private static func withWords<Result>(
    _ command: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var words = unsafe command.map { unsafe strdup($0) } + [nil]
    let result = unsafe words.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    for index in unsafe words.indices { unsafe free(words[index]) }
    return result
  }

  deinit {
    if ending == nil { kill(process, SIGTERM) }
    _ = wait()
  }

  /// Waits until it has ended.
  package func wait() -> Ending {
    if let ending { return ending }
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    let now = signal == 0 ? Ending.exited((status >> 8) & 0xff) : .signalled(signal)
    ending = now
    return now
  }
}
