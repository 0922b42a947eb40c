// Room Lines: what a caller's descriptor is of, which decides whether counts can come from it and
// how they are read. FileDescriptorLine asks when a line is made: on the caller's thread at
// PASSIVE_LEVEL, without a lock. A value; making it reads /proc and /sys.
import CUIO
import Glibc
import LinuxSystem
import UIO

/// The kinds of file behind a descriptor, as far as lines distinguish them.
enum DescriptorKind: Equatable {
  case counter
  case stream
  case streamSocket
  case packetSocket
  case uio
  /// Records of GPIO edges, which are no counts.
  case edges
  /// No counts come from it; the value names it.
  case other(String)

  /// - Throws: `lineFailed` when the system does not say what `file`, a descriptor of `line`'s, is of.
  init(_ file: FileDescriptor, of line: String) throws(InterruptSyncError) {
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw Self.unknown(line, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFIFO: self = .stream
    case S_IFSOCK: self = try Self.socket(file.raw, of: line)
    case S_IFCHR: self = Self.characterDevice(file)
    case S_IFREG: self = .other("a regular file")
    case S_IFDIR: self = .other("a folder")
    case S_IFBLK: self = .other("a block device")
    default: self = Self.anonymous(Self.target("/proc/self/fd/\(file.raw)"))
    }
  }

  /// Whether one read takes every interrupt that has come (`InterruptSource.readTakesAll`). One of a
  /// semaphore takes one; older kernels, such as 6.1, do not say which eventfds are.
  func readTakesAll(_ file: FileDescriptor) -> Bool {
    switch self {
    case .uio: return true
    case .counter:
      let info = try? FileDescriptor.contents("/proc/self/fdinfo/\(file.raw)")
      return info.map { String(decoding: $0, as: UTF8.self) }?.contains("eventfd-semaphore: 0")
        == true
    default: return false
    }
  }

  /// A file without a name, by what `/proc` calls it. Without `/proc` it counts as a counter, and
  /// the first record whose length is not a counter's ends the line.
  static func anonymous(_ target: String?) -> DescriptorKind {
    guard let target else { return .counter }
    let name = target.drop { $0 != ":" }.dropFirst().filter { $0 != "[" && $0 != "]" }
    switch name {
    case "eventfd", "timerfd": return .counter
    case "gpio-line", "gpio-event", "gpio-linehandle":
      return .edges
    default: return .other("an anonymous file of kind \(name)")
    }
  }

  private static func unknown(_ line: String, _ number: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: line, operation: "make a descriptor line",
      cause: "cannot find out what the descriptor is of",
      hint: "pass an open descriptor; a sandbox must allow fstat and getsockopt", errno: number)
  }

  private static func socket(
    _ descriptor: Int32, of line: String
  ) throws(InterruptSyncError) -> DescriptorKind {
    var type: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else {
      throw unknown(line, errno)
    }
    return type == Int32(SOCK_STREAM.rawValue) ? .streamSocket : .packetSocket
  }

  /// Without `/sys` a character device counts as a UIO node.
  private static func characterDevice(_ file: FileDescriptor) -> DescriptorKind {
    guard let number = file.characterDevice,
      let subsystem = target("/sys/dev/char/\(number.major):\(number.minor)/subsystem"),
      !subsystem.hasSuffix("/uio")
    else { return .uio }
    return .other("a character device that is no UIO node (\(number.major):\(number.minor))")
  }

  private static func target(_ path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      let length = unsafe readlink(path, start, buffer.count)
      guard length > 0 else { return nil }
      let bytes = unsafe UnsafeRawBufferPointer(start: start, count: length)
      return unsafe String(decoding: bytes, as: UTF8.self)
    }
  }

  /// How counts of this format are read from it.
  /// - Throws: `invalidArgument`, which names what the descriptor is of.
  func reading(
    _ format: FileDescriptorLine.Format, of line: String
  ) throws(InterruptSyncError) -> cuio_count_format {
    switch (format, self) {
    case (.eventCounter, .counter): return CUIO_COUNT_SHARED_EVENTFD
    case (.totals, .stream): return CUIO_COUNT_SHARED_TOTAL32
    case (.totals, .streamSocket): return CUIO_COUNT_STREAM_TOTAL32
    case (.totals, .packetSocket): return CUIO_COUNT_PACKET_TOTAL32
    case (.totals, .uio): return CUIO_COUNT_POLLED_TOTAL32
    case (_, .edges):
      throw refused(line, "counts", "make a GPIOLine of the chip and the line's offset")
    case (.eventCounter, _):
      throw refused(line, "an event counter", "pass an eventfd or a timerfd, or choose totals")
    case (.totals, _):
      throw refused(
        line, "running totals",
        "pass a pipe, a socket or a UIO node; an eventfd is an event counter")
    }
  }

  private func refused(_ line: String, _ format: String, _ hint: String) -> InterruptSyncError {
    let what =
      switch self {
      case .counter: "an eventfd or timerfd"
      case .stream: "a pipe"
      case .streamSocket, .packetSocket: "a socket"
      case .uio: "a UIO node"
      case .edges: "a GPIO line request, which yields edges"
      case .other(let name): name
      }
    return InterruptSyncError(
      .invalidArgument, object: line, operation: "make a descriptor line",
      cause: "\(format) cannot be read from \(what)", hint: hint)
  }
}
