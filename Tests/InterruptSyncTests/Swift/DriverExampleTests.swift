import Foundation
import InterruptSync
import Testing
import UIO

/// QEMU's edu device as far as the example drives it.
private final class EduModel: RegisterInterposer, @unchecked Sendable {
  private let monitor = Monitor()
  private let line: SoftwareLine
  private var factorial: UInt64 = 0
  private var status: UInt64 = 0
  private var pending: UInt64 = 0

  init(_ line: SoftwareLine) { self.line = line }

  func read(at offset: Int, width: Int) throws(UIOError) -> UInt64 {
    monitor.locked {
      switch offset {
      case 0x08: factorial
      case 0x20: status
      case 0x24: pending
      default: 0
      }
    }
  }

  func write(_ value: UInt64, at offset: Int, width: Int) throws(UIOError) {
    let isDone = monitor.locked { () -> Bool in
      switch offset {
      case 0x08: factorial = (1...max(value, 1)).reduce(1, *)
      case 0x20: status = value & 0x80
      case 0x64: pending &= ~value
      default: break
      }
      guard offset == 0x08, status & 0x80 != 0 else { return false }
      pending |= 1
      return true
    }
    if isDone { line.trigger() }
  }
}

@Suite(.timeLimit(.minutes(2))) struct DriverExampleTests {
  @Test func exampleDriverComputesFactorials() async throws {
    let line = try SoftwareLine()
    let registers = RegisterRegion(name: "edu", size: 0x100, interposer: EduModel(line))
    let driver = try FactorialDriver(registers, line)
    for (number, result) in [(5, 120), (1, 1), (12, 479_001_600)] as [(UInt32, UInt32)] {
      #expect(try await driver.factorial(of: number) == result)
    }
    #expect(try driver.stop() == 3)
  }

  /// What docs/swift.md shows is what is compiled and run here; the guests run the whole program.
  @Test func documentShowsTheExampleVerbatim() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let example = try read(folder.appending(path: "FactorialDriver.swift"))
    let document = try read(folder.appending(path: "../../../docs/swift.md"))
    let mark = "<!-- first hour, swift: Sources/driver/FactorialDriver.swift -->\n```swift\n"
    let shown = document.components(separatedBy: mark).dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
    #expect(shown.count >= 3)
    #expect(shown.joined(separator: "\n") == example)
  }

  private func read(_ file: URL) throws -> String {
    String(decoding: try Data(contentsOf: file), as: UTF8.self)
  }
}
