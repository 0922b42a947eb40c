// A folder that goes with its last reference.
import FoundationEssentials
import Glibc

final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/interruptsync-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ relative: String) -> String { "\(path)/\(relative)" }

  func folder(_ relative: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(relative), withIntermediateDirectories: true)
  }

  func write(_ relative: String, _ text: String) throws { try write(relative, Array(text.utf8)) }

  func write(_ relative: String, _ bytes: [UInt8]) throws {
    try folder(parent(relative))
    try Data(bytes).write(to: URL(filePath: path(relative)))
  }

  func link(_ relative: String, to target: String) throws {
    try folder(parent(relative))
    try FileManager.default.createSymbolicLink(atPath: path(relative), withDestinationPath: target)
  }

  func bytes(_ relative: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(relative))))
  }

  private func parent(_ relative: String) -> String {
    relative.split(separator: "/").dropLast().joined(separator: "/")
  }
}
