import Glibc

/// Data goes to standard output, what is said about it to standard error, each a line in one write.
public enum Console {
  public static func out(_ line: String) { write(1, line) }
  public static func say(_ line: String) { write(2, "interruptsyncd: \(line)") }

  private static func write(_ descriptor: Int32, _ line: String) {
    var bytes = Array((line + "\n").utf8)[...]
    while !bytes.isEmpty {
      let written = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 {
        if errno == EINTR { continue }
        return
      }
      bytes = bytes.dropFirst(written)
    }
  }
}
