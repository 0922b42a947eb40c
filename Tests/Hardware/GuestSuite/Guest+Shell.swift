import Glibc
import UIO

extension Guest {
  /// What a shell command prints; a failure unless it ends with 0.
  @discardableResult
  static func shell(_ command: String) throws -> String {
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
    try expect(status == 0, "\(command): status \(status): \(text)")
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}
