import Glibc

/// Data goes to standard output, and what is wrong with files to standard error; other messages are
/// the Journal's.
public enum Console {
  public static func out(_ line: String) { write(1, line + "\n") }
  /// Text with its newlines, as data.
  package static func show(_ text: String) { write(1, text) }
  /// What is wrong with files: without the program's name in front, so that editors find the place.
  package static func complain(_ text: String) { write(2, text + "\n") }

  static func write(_ descriptor: Int32, _ text: String) {
    var bytes = Array(text.utf8)[...]
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
