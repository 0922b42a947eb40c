import FoundationEssentials
import Glibc
package import LinuxSystem

/// A folder that goes with its last reference.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    var template = Array("/tmp/interruptsync-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func path(_ relative: String) -> String { "\(path)/\(relative)" }

  public func folder(_ relative: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(relative), withIntermediateDirectories: true)
  }

  public func write(_ relative: String, _ text: String) throws {
    try write(relative, Array(text.utf8))
  }

  public func write(_ relative: String, _ bytes: [UInt8]) throws {
    try folder(parent(relative))
    try Data(bytes).write(to: URL(filePath: path(relative)))
  }

  public func link(_ relative: String, to target: String) throws {
    try folder(parent(relative))
    try FileManager.default.createSymbolicLink(atPath: path(relative), withDestinationPath: target)
  }

  public func bytes(_ relative: String) throws -> [UInt8] {
    try contents(path(relative))
  }

  private func parent(_ relative: String) -> String {
    relative.split(separator: "/").dropLast().joined(separator: "/")
  }
}

/// The whole of a file. Foundation's `Data(contentsOf:)` does not free its buffer when the file is empty.
func contents(_ path: String) throws -> [UInt8] {
  let file = try FileDescriptor.open(path, O_RDONLY)
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(file.raw, &buffer, buffer.count)
    guard count > 0 || (count < 0 && errno == EINTR) else {
      if count < 0 { throw SystemError(errno) }
      return bytes
    }
    bytes += buffer.prefix(max(count, 0))
  }
}
