// Text files and links of sysfs, and the folder of device nodes, under roots that tests can move.
// Floor 1; every floor that finds, opens or describes devices calls it. A value without a lock, for
// any thread at PASSIVE_LEVEL; each call reads files: never with an interrupt lock held.
import Glibc

/// Where the kernel's files are.
public struct Sysfs: Sendable, Equatable {
  /// The sysfs tree, without a trailing slash.
  public let root: String
  /// The device nodes, without a trailing slash.
  public let devices: String

  /// - Parameters:
  ///   - root: the sysfs tree; tests pass a copy of one.
  ///   - devices: where `uioN` nodes are.
  public init(root: String = "/sys", devices: String = "/dev") {
    self.root = root
    self.devices = devices
  }

  /// The machine's own.
  public static let system = Sysfs()

  package var uioClass: String { "\(root)/class/uio" }

  /// An attribute's text without its newline.
  package func text(_ path: String) throws(SystemError) -> String {
    let bytes = try FileDescriptor.contents(path)
    let end = bytes.lastIndex { $0 != 0x0a }.map { $0 + 1 } ?? 0
    return String(decoding: bytes[..<end], as: UTF8.self)
  }

  /// An attribute's text, or nil where there is none.
  package func optionalText(_ path: String) -> String? { try? text(path) }

  /// Last component of a link's target, or nil.
  package func linkName(_ path: String) -> String? {
    (try? FileDescriptor.link(path)).flatMap { $0.split(separator: "/").last.map(String.init) }
  }

  /// The processors that are online; nil when it cannot be read.
  package var onlineProcessors: Set<Int>? {
    optionalText("\(root)/devices/system/cpu/online").flatMap { ProcessorList.parse($0) }
  }

  /// The names in a folder; empty where there is none (fact 37).
  package func list(_ path: String) -> [String] { (try? FileDescriptor.list(path)) ?? [] }
}
