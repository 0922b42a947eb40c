// Drivers in C, compiled by the test that loads them.
import Glibc
import TestSupport
import UIO

@testable import InterruptSyncService

/// A folder with shared objects; what a driver of it does is written into `log`.
final class DriverFixture {
  let folder: TemporaryFolder
  let log: UnsafeMutablePointer<Int64>

  init() throws {
    folder = try TemporaryFolder()
    log = .allocate(capacity: 16)
    log.initialize(repeating: 0, count: 16)
  }

  deinit { log.deallocate() }

  /// The argument by which a driver finds `log`.
  var argument: String { "\(UInt(bitPattern: log))" }

  /// Compiles `functions`, behind the header and `static int64_t *log`; the path of the object.
  func build(_ functions: String, name: String = "card") throws -> String {
    try folder.write(
      "\(name).c",
      "#include <interruptsync/driver.h>\n#include <stdlib.h>\n"
        + "static int64_t *record(const interruptsync_host *host) {\n"
        + "  return (int64_t *)strtoull(host->arguments[0], NULL, 10);\n}\n" + functions)
    let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let path = folder.path("\(name).so")
    let command =
      "\(try Self.compiler()) -shared -fPIC -O1 -Wall -Wno-unused-function -Werror "
      + "-I '\(root)/Sources/CInterruptSync/include' \(folder.path("\(name).c")) -o \(path) 2>&1"
    guard let pipe = popen(command, "r") else { throw SystemError(errno) }
    var text: [UInt8] = []
    while case let byte = getc(pipe), byte >= 0 { text.append(UInt8(truncatingIfNeeded: byte)) }
    guard pclose(pipe) == 0 else {
      throw NotBuilt(description: "\(command)\n\(String(decoding: text, as: UTF8.self))")
    }
    chmod(path, 0o755)
    return path
  }

  /// The file as the daemon checks it, with the folder as the root.
  func file(_ path: String) throws -> DriverFile {
    try DriverFile(path, owner: getuid(), below: folder.path)
  }

  struct NotBuilt: Error, CustomStringConvertible { let description: String }

  /// The compiler that Swift brings, or the machine's.
  private static func compiler() throws -> String {
    let folders = String(cString: getenv("PATH")).split(separator: ":")
    for name in ["clang", "cc", "gcc"] {
      for folder in folders where access("\(folder)/\(name)", X_OK) == 0 {
        return "\(folder)/\(name)"
      }
    }
    throw NotBuilt(description: "no C compiler in \(folders)")
  }
}
