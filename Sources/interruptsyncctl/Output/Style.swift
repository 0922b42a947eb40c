// Colour where it helps: on a terminal, unless NO_COLOR is set to something or TERM is dumb.
import ArgumentParser
import Glibc
import InterruptSyncClient

/// Whether and how words are coloured.
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
}
