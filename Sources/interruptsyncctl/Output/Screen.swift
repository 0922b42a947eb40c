// Floor 7. The terminal while top runs: the alternate screen without echo. The command `top`
// (Statistics.swift) creates it, and restores the terminal at the end, after a signal too. On the
// program's one thread; no lock.
import CUIO
import Glibc
import LinuxSystem
import UIO

/// The terminal at standard output.
final class Screen {
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

  func show(_ text: String) {
    var size = winsize()
    let rows = unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0 ? size.ws_row : 24
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    // Each line erases the rest of the line below it.
    let body = lines.prefix(Int(rows) - 1).map { "\($0)\u{1b}[K\r\n" }.joined()
    Console.draw("\u{1b}[H\(body)\u{1b}[J")
  }

  /// Waits until the next update is due; false when the user or a signal ends the program.
  func wait(_ duration: Duration) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + duration
    while true {
      let (seconds, attoseconds) = max(end - clock.now, .zero).components
      let milliseconds = Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
      var entries = [
        pollfd(fd: signals.raw, events: Int16(POLLIN), revents: 0),
        pollfd(fd: hasKeys ? 0 : -1, events: Int16(POLLIN), revents: 0),
      ]
      let result = unsafe poll(&entries, 2, milliseconds)
      if result == 0 { return true }
      if entries[0].revents != 0 {
        let signal = linux_signal_read(signals.raw)
        if signal > 0, signal != SIGWINCH { return false }
        return true
      }
      guard entries[1].revents != 0 else { continue }
      var key: UInt8 = 0
      let count = unsafe read(0, &key, 1)
      if count <= 0 || key == UInt8(ascii: "q") || key == 0x03 { return false }
    }
  }
}
