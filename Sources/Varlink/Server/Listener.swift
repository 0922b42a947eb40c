// Floor 5. A local socket on which connections come in. It turns away what it cannot take, so that
// the loop never spins on a connection that waits. VarlinkServer makes it; the loop calls it when
// the socket is readable. Control thread; no lock. It never closes a connection that may hold
// descriptors: the threads `closer` do.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// Takes connections until it is closed. On the loop's thread only.
package final class Listener {
  /// Closes what the socket holds when it is dropped, unread connections included.
  private let closer: DescriptorCloser
  let socket: FileDescriptor
  private let loop: EventLoop
  private var watch: EventLoop.Watch?
  /// The node to remove at the end; nil for a socket that was handed in.
  private let path: String?
  private let take: (Int32) -> Bool
  private let refuse: (String) -> Void
  /// Given up for a moment when descriptors run out, so that a connection can be turned away.
  var reserve: FileDescriptor?

  /// Takes connections on a socket that listens already, such as systemd's.
  /// - Parameters:
  ///   - take: called with each connection, which does not block, and which is then the body's to
  ///     close; false when it was turned away and others of its kind can wait.
  ///   - refuse: told why one was turned away.
  /// - Throws: `notAListener`, `resourcesExhausted`.
  package convenience init(
    on socket: FileDescriptor, loop: EventLoop, closer: DescriptorCloser,
    take: @escaping (Int32) -> Bool, refuse: @escaping (String) -> Void
  ) throws(VarlinkError) {
    try self.init(socket, path: nil, loop, closer, take, refuse)
  }

  /// Makes a socket and takes connections on it. A node that is left over from a service that ended
  /// is replaced; the node is removed at the end.
  /// - Parameters:
  ///   - mode: of the node; to connect is to write.
  ///   - group: of the node; nil leaves the process'.
  /// - Throws: `addressInUse` when another process listens there, `permissionDenied`, `notFound` when the
  ///   folder is missing, `malformedAddress`, `resourcesExhausted`.
  package convenience init(
    at address: SocketAddress, mode: UInt32, group: UInt32?, loop: EventLoop,
    closer: DescriptorCloser, take: @escaping (Int32) -> Bool, refuse: @escaping (String) -> Void
  ) throws(VarlinkError) {
    let socket: FileDescriptor
    do throws(SystemError) {
      socket = try Self.bind(address, closer)
      do throws(SystemError) {
        if !address.isAbstract { try Self.open(address.name, mode: mode, group: group) }
        // Connections take this over at once: no descriptor can be sent before they are accepted.
        _ = linux_accept_descriptors(socket.raw, false)
        guard Glibc.listen(socket.raw, 128) == 0 else { throw SystemError(errno) }
      } catch {
        if !address.isAbstract { _ = unsafe unlink(address.name) }
        throw error
      }
    } catch {
      throw VarlinkError(error, object: address.description, operation: "listen")
    }
    let path = address.isAbstract ? nil : address.name
    try self.init(socket, path: path, loop, closer, take, refuse)
  }

  private init(
    _ socket: FileDescriptor, path: String?, _ loop: EventLoop, _ closer: DescriptorCloser,
    _ take: @escaping (Int32) -> Bool, _ refuse: @escaping (String) -> Void
  ) throws(VarlinkError) {
    try Self.require(socket)
    _ = linux_accept_descriptors(socket.raw, false)
    self.socket = socket
    self.closer = closer
    self.path = path
    self.loop = loop
    self.take = take
    self.refuse = refuse
    reserve = try? FileDescriptor.open("/dev/null", O_RDONLY)
    do throws(SystemError) {
      watch = try loop.watch(socket, for: .readable) { [unowned self] _ in accept() }
    } catch { throw VarlinkError(error) }
  }

  /// - Throws: `notAListener`, or what the kernel answered.
  private static func require(_ socket: FileDescriptor) throws(VarlinkError) {
    let (object, operation) = ("descriptor \(socket.raw)", "take connections")
    let kind = linux_is_listener(socket.raw)
    guard kind == 1 || (kind < 0 && kind != -ENOTSOCK) else {
      throw VarlinkError(
        .notAListener, object: object, operation: operation,
        cause: "not a listening local stream socket",
        hint: "ListenStream= with a path, and Accept=no")
    }
    let result = kind < 0 ? kind : linux_set_nonblocking(socket.raw)
    guard result == 0 else {
      throw VarlinkError(SystemError(-result), object: object, operation: operation)
    }
  }

  deinit { close() }

  /// Takes no more connections.
  package func close() {
    guard let watch else { return }
    self.watch = nil
    loop.unwatch(watch)
    if let path { _ = unsafe unlink(path) }
  }

  // MARK: Connections

  private func accept() {
    var refusals = 0
    // A bound on what one turn of the loop does.
    for _ in 0..<64 {
      let raw = linux_accept(socket.raw)
      switch -raw {
      case EAGAIN: return
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE: return turnAway()
      case ..<1:
        if !take(raw) { refusals += 1 }
        // Others wait with them, but not long.
        if refusals == 32 { return pause(for: .milliseconds(10)) }
      default: return pause()
      }
    }
  }

  /// Without this the loop would turn forever with a connection that it cannot take.
  private func turnAway() {
    reserve = nil
    let raw = linux_accept(socket.raw)
    guard raw >= 0 else {
      renewReserve()
      return pause()
    }
    refuse("no descriptors left (systemd: LimitNOFILE=)")
    linux_shutdown(raw)
    if hasUnread(raw) {
      // Descriptors may be in it. The closer needs a moment to give this one back.
      closer.close(raw, for: .user(PeerCredentials(of: raw)?.user ?? .max))
      pause(for: .milliseconds(10))
    } else {
      Glibc.close(raw)
      renewReserve()
    }
  }

  private func hasUnread(_ raw: Int32) -> Bool {
    var byte: UInt8 = 0
    var hasDescriptors = false
    return unsafe linux_peek(raw, &byte, 1, &hasDescriptors) > 0
  }

  private func renewReserve() {
    if reserve == nil { reserve = try? FileDescriptor.open("/dev/null", O_RDONLY) }
  }

  /// A connection that can be neither taken nor turned away would be reported again at once.
  private func pause(for time: Duration = .milliseconds(100)) {
    guard let watch else { return }
    loop.change(watch, to: [])
    loop.after(time) { [loop, weak self] in
      self?.renewReserve()
      loop.change(watch, to: .readable)
    }
  }
}

// MARK: Making the node

extension Listener {
  /// Sets group and mode. No client connects earlier: the node is made without any permission.
  private static func open(
    _ path: String, mode: UInt32, group: UInt32?
  ) throws(SystemError) {
    // Call chown only where the group differs: the process may be forbidden to (systemd:
    // SystemCallFilter=~@privileged).
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw SystemError(errno) }
    if let group, status.st_gid != group, unsafe chown(path, uid_t.max, group) != 0 {
      throw SystemError(errno)
    }
    if unsafe chmod(path, mode) != 0 { throw SystemError(errno) }
  }

  private static func bind(
    _ address: SocketAddress, _ closer: DescriptorCloser
  ) throws(SystemError) -> FileDescriptor {
    var hasRemoved = false
    while true {
      let socket = try SocketAddress.socket { closer.adopt($0, for: .trusted) }
      let result = unsafe address.withName {
        unsafe linux_bind(socket.raw, $0, $1, address.isAbstract, 0)
      }
      if result == 0 { return socket }
      guard result == -EADDRINUSE, !address.isAbstract, !hasRemoved, isLeftOver(address) else {
        throw SystemError(-result)
      }
      hasRemoved = true
      guard unsafe unlink(address.name) == 0 else { throw SystemError(errno) }
    }
  }

  /// Whether the address is a socket's node on which no process listens.
  private static func isLeftOver(_ address: SocketAddress) -> Bool {
    do {
      _ = try address.connect(milliseconds: 100)
      return false
    } catch {
      // A file that is no socket answers the same: leave it alone.
      var status = stat()
      guard error.number == ECONNREFUSED, unsafe lstat(address.name, &status) == 0 else {
        return false
      }
      return status.st_mode & S_IFMT == S_IFSOCK
    }
  }
}
