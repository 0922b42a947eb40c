// Floor 7. Where output goes and how words are coloured. Every command prints here, on the
// program's one thread; no lock. Data goes to standard output, messages about it to standard error,
// each in one write.
import ArgumentParser
import Glibc
import InterruptSyncClient

enum Console {
  static func out(_ text: String) { write(1, text.hasSuffix("\n") ? text : text + "\n") }
  /// Adds nothing: for terminal sequences.
  static func draw(_ text: String) { write(1, text) }
  static func say(_ text: String) { write(2, "interruptsyncctl: \(text)\n") }
  /// A question, whose answer is typed behind it.
  static func prompt(_ text: String) { write(2, text) }
  static func complain(_ text: String) { write(2, text.hasSuffix("\n") ? text : text + "\n") }

  private static func write(_ descriptor: Int32, _ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if written < 0 {
        if errno == EINTR { continue }
        // A full disk is a failure. When standard error fails, no channel is left to report it.
        if descriptor == 1 {
          unsafe perror("interruptsyncctl: standard output")
          exit(EXIT_FAILURE)
        }
        return
      }
      bytes = bytes.dropFirst(written)
    }
  }
}

/// Whether and how words are coloured: by default on a terminal, unless NO_COLOR is set and not
/// empty or TERM is dumb.
struct Style {
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never
  }

  enum Colour: String {
    case red = "31"
    case green = "32"
    case yellow = "33"
    case bold = "1"
  }

  let isColoured: Bool

  init(_ choice: Choice) {
    switch choice {
    case .always: isColoured = true
    case .never: isColoured = false
    case .auto:
      isColoured =
        isatty(1) == 1 && Self.variable("NO_COLOR").isEmpty && Self.variable("TERM") != "dumb"
    }
  }

  private static func variable(_ name: String) -> String {
    unsafe getenv(name).map { unsafe String(cString: $0) } ?? ""
  }

  func paint(_ text: String, _ colour: Colour) -> String {
    isColoured ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
  }

  func colour(_ state: Device.State) -> Colour? {
    switch state {
    case .connected, .attached: .green
    case .storming, .gone: .yellow
    case .failed: .red
    case .listed, .unknown: nil
    }
  }

  /// A device's state as a coloured word.
  func state(_ device: Device) -> String {
    let word = device.state.rawValue
    return colour(device.state).map { paint(word, $0) } ?? word
  }
}
