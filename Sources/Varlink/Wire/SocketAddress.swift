import CLinuxSystem
import LinuxSystem

/// Where a Varlink service listens: a path, or a name in the abstract namespace.
package struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
  /// Without the `@`.
  package let name: String
  package let isAbstract: Bool

  package init(path: String) {
    name = path
    isAbstract = false
  }

  /// `/path`, `./path`, `unix:PATH` or `unix:@name`; what follows a `;` is for the service and
  /// ignored here.
  /// - Throws: `malformedAddress`.
  package init(_ text: String) throws(VarlinkError) {
    let scheme = "unix:"
    var rest = text[...]
    if text.hasPrefix(scheme) {
      rest = text.dropFirst(scheme.count).prefix { $0 != ";" }
    } else if !text.contains("/") || (text.contains(":") && !text.hasPrefix("/")) {
      throw Self.malformed(text, "not an address of a local socket")
    }
    isAbstract = text.hasPrefix(scheme) && rest.first == "@"
    if isAbstract { rest = rest.dropFirst() }
    name = String(rest)
    guard !name.isEmpty, !name.utf8.contains(0) else { throw Self.malformed(text, "no name in it") }
  }

  private static func malformed(_ text: String, _ cause: String) -> VarlinkError {
    VarlinkError(
      .malformedAddress, object: text, operation: "read an address", cause: cause,
      hint: "write a path with a slash, unix:PATH or unix:@NAME")
  }

  package var description: String { isAbstract ? "unix:@\(name)" : name }

  /// Calls with the name as the kernel's functions take it.
  func withName(_ body: (UnsafePointer<CChar>, Int) -> Int32) -> Int32 {
    unsafe name.withCString { unsafe body($0, name.utf8.count) }
  }

  /// A connected socket that does not block.
  func connect(milliseconds: UInt64) throws(SystemFailure) -> FileDescriptor {
    let socket = try Self.socket()
    let result = unsafe withName {
      unsafe cvarlink_connect(socket.raw, $0, $1, isAbstract, milliseconds)
    }
    guard result == 0 else { throw SystemFailure(-result) }
    let mode = cvarlink_set_nonblocking(socket.raw)
    guard mode == 0 else { throw SystemFailure(-mode) }
    return socket
  }

  static func socket() throws(SystemFailure) -> FileDescriptor {
    let raw = cvarlink_socket()
    guard raw >= 0 else { throw SystemFailure(-raw) }
    return FileDescriptor(adopting: raw)
  }
}
