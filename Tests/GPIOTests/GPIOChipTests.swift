// Finding chips and lines, and what opening says when it fails.
import DeviceIdentity
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import GPIO

@Suite struct GPIOChipTests {
  private func code(_ body: () throws -> Void) -> UIOError? {
    do { try body() } catch { return error as? UIOError }
    return nil
  }

  @Test func aChipIsFoundByNodeNameAndLabel() throws {
    let kernel = try FakeChip(["gpiochip0": "board", "gpiochip1": "expander"])
    for id in [kernel.folder.path("dev/gpiochip1"), "gpiochip1", "expander"] {
      let chip = try kernel.open(id)
      #expect("\(chip)" == "gpiochip1 (expander)")
      #expect(chip.lineCount == 4)
    }
  }

  @Test func aLabelOfTwoChipsIsAmbiguousAndNamesBoth() throws {
    let kernel = try FakeChip(["gpiochip0": "board", "gpiochip1": "board"])
    let error = code { _ = try kernel.open("board") }
    #expect(error?.code == .ambiguous)
    #expect(error?.cause == "several chips have this label: gpiochip0, gpiochip1")
  }

  @Test func whatOpeningAnswers() throws {
    let kernel = try FakeChip()
    #expect(code { _ = try kernel.open("none") }?.code == .notFound)
    #expect(code { _ = try kernel.open("/dev/none-such") }?.code == .notFound)
    for (number, expected) in [
      (EACCES, DeviceError.Code.permissionDenied), (EMFILE, .resourcesExhausted),
    ] {
      SystemError.$injected.withValue({ call, _ in call == .open ? number : nil }) {
        #expect(code { _ = try kernel.open() }?.code == expected)
      }
    }
    kernel.state.withLock { $0.describing = -ENOTTY }
    let error = code { _ = try kernel.open() }
    #expect(error?.code == .malformed)
    #expect(error?.cause == "it is no GPIO chip")
  }

  @Test func G3_aLabelOfAChipThatMayNotBeOpenedIsAMatterOfPermission() throws {
    let kernel = try FakeChip()
    SystemError.$injected.withValue({ call, _ in call == .open ? EACCES : nil }) {
      let error = code { _ = try kernel.open("board") }
      #expect(error?.code == .permissionDenied)
      #expect(error?.hint.contains("GROUP=\"gpio\"") == true)
    }
  }

  @Test func aLineIsFoundByItsName() throws {
    let kernel = try FakeChip()
    kernel.state.withLock { state in
      state.lines[1].name = "button"
      state.lines[2].name = "twin"
      state.lines[3].name = "twin"
    }
    let chip = try kernel.open()
    #expect(try chip.offset(of: "button") == 1)
    #expect(code { _ = try chip.offset(of: "none") }?.code == .notFound)
    #expect(code { _ = try chip.offset(of: "") }?.code == .notFound)
    let error = code { _ = try chip.offset(of: "twin") }
    #expect(error?.code == .ambiguous)
    #expect(error?.cause.contains("2, 3") == true)
    for offset in [-1, 4] {
      #expect(code { _ = try chip.line(at: offset) }?.code == .noSuchRegion)
    }
  }

  @Test func G1_aKernelWithoutTheInterfaceIsSaidToBeTooOld() throws {
    let kernel = try FakeChip()
    let chip = try kernel.open()
    kernel.state.withLock { $0.describing = -EINVAL }
    let error = code { _ = try GPIOLine(chip, offset: 0) }
    #expect(error?.code == .unsupported)
    #expect(error?.hint.contains("5.10") == true)
  }
}
