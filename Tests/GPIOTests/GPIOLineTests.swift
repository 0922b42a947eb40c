// Requesting a line: settings, and every answer of the kernel's.
import DeviceIdentity
import Glibc
import InterruptSync
import TestSupport
import Testing

@testable import GPIO

private func refusal(_ body: () throws -> Void) -> UIOError? {
  do { try body() } catch { return error as? UIOError }
  return nil
}

@Test func G8_aLineIsRequestedWithItsEdgesAndThenSwitchedOff() throws {
  let kernel = try FakeChip()
  let line = try GPIOLine(try kernel.open(), offset: 2)
  #expect("\(line)" == "gpiochip0 (board) line 2")
  #expect(kernel.log == ["request 64 rising falling", "off"])
  #expect(try line.chip.line(at: 2).consumer == "interruptsync.0.2")
}

@Test func everySettingReachesTheKernel() throws {
  let kernel = try FakeChip()
  let chip = try kernel.open()
  kernel.state.withLock { $0.lines[1].name = "button" }
  let settings = GPIOLineSettings(
    edges: .falling, bias: .pullUp, isActiveLow: true, debounce: .milliseconds(5), clock: .realtime,
    buffer: 1024, consumer: "my driver")
  let line = try GPIOLine(chip, name: "button", settings: settings)
  #expect(line.offset == 1)
  // Masked it keeps what it is, but for what interrupts (G11).
  #expect(
    kernel.log == [
      "request 1024 falling low bias2 clock1 debounce5000", "low bias2 clock1",
    ])
  #expect(try chip.line(at: 1).consumer == "my driver")
  _ = try GPIOLine(chip, offset: 0, settings: GPIOLineSettings(edges: .rising, clock: .hardware))
  #expect(kernel.log[2] == "request 64 rising clock2")
}

@Test(arguments: [
  GPIOLineSettings(buffer: 0), GPIOLineSettings(buffer: 1025), GPIOLineSettings(consumer: ""),
  GPIOLineSettings(consumer: "a/b"),
  GPIOLineSettings(consumer: String(repeating: "x", count: 32)),
  GPIOLineSettings(debounce: .zero), GPIOLineSettings(debounce: .nanoseconds(999)),
  GPIOLineSettings(debounce: .seconds(-1)), GPIOLineSettings(debounce: .seconds(4001)),
])
func aSettingOutOfItsRangeIsRefusedBeforeTheKernelIsAsked(_ settings: GPIOLineSettings) throws {
  let kernel = try FakeChip()
  let error = refusal { _ = try GPIOLine(try kernel.open(), offset: 0, settings: settings) }
  #expect(error?.code == .malformed)
  #expect(error?.cause.isEmpty == false)
  #expect(kernel.log == [])
}

@Test func G6_aUsedLineNamesItsUser() throws {
  let kernel = try FakeChip()
  let chip = try kernel.open()
  kernel.state.withLock {
    $0.lines[1].consumer = "gpio-keys"
    $0.lines[2].consumer = ""
  }
  let error = refusal { _ = try GPIOLine(chip, offset: 1) }
  #expect(error?.code == .busy)
  #expect(error?.cause == "\"gpio-keys\" has the line")
  #expect(error?.hint.contains("gpioinfo") == true)
  #expect(refusal { _ = try GPIOLine(chip, offset: 2) }?.cause.contains("without a name") == true)
}

@Test func G8_aFreeLineWhoseInterruptIsTakenSaysSo() throws {
  let kernel = try FakeChip()
  kernel.state.withLock { $0.requesting = -EBUSY }
  let error = refusal { _ = try GPIOLine(try kernel.open(), offset: 1) }
  #expect(error?.code == .busy)
  #expect(error?.cause == "another driver has the line's interrupt")
}

@Test(arguments: [
  (ENXIO, UIOError.Code.noInterrupt), (EOPNOTSUPP, .unsupported), (EINVAL, .unsupported),
  (ENODEV, .removed), (EMFILE, .resourcesExhausted), (ENOMEM, .resourcesExhausted),
  (EPERM, .permissionDenied), (517, .driverFailed), (EIO, .driverFailed), (EFAULT, .unexpected),
])
func whatARequestAnswers(_ number: Int32, _ code: UIOError.Code) throws {
  let kernel = try FakeChip()
  kernel.state.withLock { $0.requesting = -number }
  let error = refusal { _ = try GPIOLine(try kernel.open(), offset: 1) }
  #expect(error?.code == code)
  #expect(error?.errno?.rawValue == number)
  #expect(error?.device == "gpiochip0 (board) line 1")
  #expect(error?.operation == "request the GPIO line")
}

@Test func aLineThatCannotBeSwitchedOffIsGivenBack() throws {
  let kernel = try FakeChip()
  kernel.state.withLock { $0.configuring = [-EIO] }
  let error = refusal { _ = try GPIOLine(try kernel.open(), offset: 1) }
  #expect(error?.code == .driverFailed)
  #expect(error?.operation == "switch the edges off")
  // Its descriptor is closed: the fake's end of the pipe has no reader.
  let writer = kernel.state.withLock { $0.lines[1].writer }
  var polled = pollfd(fd: writer?.raw ?? -1, events: Int16(POLLOUT), revents: 0)
  #expect(poll(&polled, 1, 0) == 1 && polled.revents & Int16(POLLERR) != 0)
}

@Test func theLevelIsReadAndItsFailureIsTyped() throws {
  let kernel = try FakeChip()
  let line = try GPIOLine(try kernel.open(), offset: 0)
  #expect(try line.value() == false)
  kernel.state.withLock { $0.lines[0].level = 1 }
  #expect(try line.value())
  kernel.state.withLock { $0.lines[0].level = -ENODEV }
  #expect(refusal { _ = try line.value() }?.code == .removed)
  kernel.state.withLock { $0.lines[0].level = -EIO }
  #expect(refusal { _ = try line.value() }?.code == .driverFailed)
}

@Test(arguments: GPIOOperation.allCases)
func everyErrorNumberHasACauseAndAHint(_ operation: GPIOOperation) {
  for number in Int32(1)...133 {
    let error = operation.error(number, device: "chip")
    #expect(!error.cause.isEmpty && !error.hint.isEmpty, "\(operation): \(number)")
    #expect(error.errno?.rawValue == number)
  }
}
