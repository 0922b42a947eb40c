import Glibc
import UIO

/// The products are beside the tests.
let programs = {
  let test = (try? FileDescriptor.link("/proc/self/exe")) ?? ""
  let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? test
  return String(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)])
}()

/// Runs the built daemon to its end; `output` is what it said on both streams.
/// - Parameter shell: run first by the shell that becomes the daemon.
func daemon(_ arguments: String, after shell: String = "") -> (status: Int32, output: String) {
  let command = "\(shell)\nexec \(programs)/interruptsyncd \(arguments) 2>&1"
  guard let pipe = popen(command, "r") else { return (-1, "") }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&buffer, 1, buffer.count, pipe)
    if count == 0 { break }
    bytes += buffer.prefix(count)
  }
  let status = pclose(pipe)
  return ((status >> 8) & 0xff, String(decoding: bytes, as: UTF8.self))
}
