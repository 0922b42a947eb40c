// Floor 7. The terminal while top runs: the alternate screen without echo. The command `top`
// (Statistics.swift) creates it, and restores the terminal at the end, after a signal too. On the
// program's one thread; no lock.
import CUIO
import Glibc
import LinuxSystem
import UIO

/// The terminal at standard output.
final class Screen {
  /// Why a wait ended.
  enum Event: Equatable {
    case due, resized, end
    /// A key that is one byte.
    case key(UInt8)
  }

  struct Size: Equatable {
    var columns: Int
    var rows: Int
  }

  /// The terminal's; 80 by 24 where standard output is none.
  static var size: Size {
    var size = winsize()
    guard unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return Size(columns: 80, rows: 24)
    }
    return Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }

  /// Columns to draw in.
  static var width: Int { size.columns }

  private var before = termios()
  private let hasKeys: Bool
  private let signals: FileDescriptor

  init() throws(UIOError) {
    let caught = [SIGINT, SIGTERM, SIGHUP, SIGWINCH]
    let raw = unsafe linux_signal_create(caught, caught.count)
    guard raw >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "terminal", operation: "prepare",
        cause: "cannot create a signalfd", hint: UIOOperation.limitHint, errno: -raw)
    }
    signals = FileDescriptor(adopting: raw)
    hasKeys = unsafe tcgetattr(0, &before) == 0
    if hasKeys {
      var mode = before
      mode.c_lflag &= ~tcflag_t(ECHO | ICANON)
      unsafe tcsetattr(0, TCSANOW, &mode)
    }
    // The alternate screen, without a cursor.
    Console.draw("\u{1b}[?1049h\u{1b}[?25l")
  }

  func restore() {
    Console.draw("\u{1b}[?25h\u{1b}[?1049l")
    if hasKeys { unsafe tcsetattr(0, TCSANOW, &before) }
  }

  /// - Parameter text: no longer than the terminal has rows.
  func show(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // Each line erases the rest of the line below it; the last one moves no cursor, which would
    // scroll.
    let body = lines.prefix(Self.size.rows).map { "\($0)\u{1b}[K" }.joined(separator: "\r\n")
    Console.draw("\u{1b}[H\(body)\u{1b}[J")
  }

  /// Waits until the next update is due, the user presses a key, or a signal comes.
  func wait(until end: ContinuousClock.Instant) -> Event {
    let clock = ContinuousClock()
    while true {
      let (seconds, attoseconds) = max(end - clock.now, .zero).components
      let milliseconds = Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
      var entries = [
        pollfd(fd: signals.raw, events: Int16(POLLIN), revents: 0),
        pollfd(fd: hasKeys ? 0 : -1, events: Int16(POLLIN), revents: 0),
      ]
      let result = unsafe poll(&entries, 2, milliseconds)
      if result == 0 { return .due }
      if entries[0].revents != 0 {
        let signal = linux_signal_read(signals.raw)
        return signal > 0 && signal != SIGWINCH ? .end : .resized
      }
      guard entries[1].revents != 0 else { continue }
      // An arrow and its like send several bytes at once, and are no key of ours.
      var bytes = [UInt8](repeating: 0, count: 16)
      let count = unsafe read(0, &bytes, bytes.count)
      if count <= 0 { return .end }
      if bytes[0] != 0x1b { return .key(bytes[0]) }
    }
  }
}
