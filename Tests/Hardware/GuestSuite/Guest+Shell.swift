import Glibc
import UIO

extension Guest {
  /// What a shell command prints; a failure unless it ends with 0.
  @discardableResult
  static func shell(_ command: String) throws -> String {
    let (status, text) = try run(command)
    try expect(status == 0, "\(command): status \(status): \(text)")
    return text
  }

  /// How a shell command ends, and what it prints, on both of its outputs.
  static func run(_ command: String) throws -> (status: Int32, text: String) {
    guard let pipe = popen("exec 2>&1; \(command)", "r") else {
      throw Failure(description: "popen")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&buffer, 1, buffer.count, pipe)
      if count == 0 { break }
      bytes += buffer.prefix(count)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let status = pclose(pipe)
    return (
      status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f),
      text.hasSuffix("\n") ? String(text.dropLast()) : text
    )
  }
}
