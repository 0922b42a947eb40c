import Glibc

/// Data goes to standard output, what is said about it to standard error, each in one write.
enum Console {
  static func out(_ text: String) { write(1, text.hasSuffix("\n") ? text : text + "\n") }
  /// As it is, for a terminal.
  static func draw(_ text: String) { write(1, text) }
  static func say(_ text: String) { write(2, "interruptsyncctl: \(text)\n") }
  static func complain(_ text: String) { write(2, text.hasSuffix("\n") ? text : text + "\n") }

  private static func write(_ descriptor: Int32, _ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 {
        if errno == EINTR { continue }
        // A full disk is a failure; nobody is left to tell when standard error fails.
        if descriptor == 1 {
          unsafe perror("interruptsyncctl: standard output")
          exit(Failure.failed)
        }
        return
      }
      bytes = bytes.dropFirst(written)
    }
  }
}
