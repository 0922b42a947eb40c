// Floor 5. interruptsync/gpio.h: lines of GPIO chips. Programs in C make them on any thread at
// PASSIVE level, without a lock, and read a line's value at any level. Routines of the line's
// object read its edges, on the dispatcher at DEVICE level with the interrupt lock held.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import GPIO
import Glibc
import InterruptSync
import LinuxSystem

extension GPIOChip {
  /// The chip that a program names.
  fileprivate static func named(_ id: UnsafePointer<CChar>?) throws -> GPIOChip {
    guard let id = unsafe id else { throw Failure.invalid("the chip is NULL") }
    return unsafe try GPIOChip(String(cString: id), sysfs: Roots.sysfs, kernel: SystemGPIO())
  }
}

extension LineBox {
  /// The GPIO line behind a handle.
  fileprivate static func gpio(_ line: OpaquePointer?) throws -> GPIOLine {
    let line = unsafe try LineBox.of(line)
    guard case .gpio(let gpio) = line.kind else {
      throw Failure(number: EOPNOTSUPP, text: "\(line.source.name) is not a line of a GPIO chip")
    }
    return gpio
  }
}

@c @implementation
public func interruptsync_gpio_find(
  _ chip: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
  _ offset: UnsafeMutablePointer<UInt32>?
) -> Int32 {
  attempt {
    guard let offset = unsafe offset else { throw Failure.noRoom("offset") }
    guard let name = unsafe name else { throw Failure.invalid("the name is NULL") }
    let found = unsafe try GPIOChip.named(chip).offset(of: String(cString: name))
    unsafe offset.pointee = UInt32(found)
    return 0
  }
}

@c @implementation
public func interruptsync_gpio_line(
  _ chip: UnsafePointer<CChar>?, _ offset: UInt32,
  _ options: UnsafePointer<interruptsync_gpio_options>?,
  _ line: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard unsafe line != nil else { throw Failure.noRoom(LineBox.handleName) }
    var given = interruptsync_gpio_options()
    if let options = unsafe options { given = unsafe try take(options) }
    let settings = try GPIOLineSettings(&given)
    let made = unsafe try GPIOLine(GPIOChip.named(chip), offset: Int(offset), settings: settings)
    unsafe try LineBox(.gpio(made)).give(to: line)
    return 0
  }
}

@c @implementation
public func interruptsync_gpio_value(_ line: OpaquePointer?) -> Int32 {
  attempt { unsafe try LineBox.gpio(line).value() ? 1 : 0 }
}

@c @implementation
public func interruptsync_gpio_edges(
  _ line: OpaquePointer?, _ edges: UnsafeMutablePointer<interruptsync_gpio_edge>?,
  _ capacity: UInt32
) -> Int32 {
  attempt {
    let all = unsafe try LineBox.gpio(line).edges
    guard let edges = unsafe edges else {
      guard capacity == 0 else { throw Failure.noRoom("edges") }
      return Int32(all.count)
    }
    for index in 0..<min(all.count, Int(capacity)) {
      let edge = all[index]
      unsafe edges[index] = interruptsync_gpio_edge(
        nanoseconds: edge.nanoseconds, number: edge.number, rising: edge.isRising ? 1 : 0)
    }
    return Int32(all.count)
  }
}

@c @implementation
public func interruptsync_gpio_get_info(
  _ line: OpaquePointer?, _ info: UnsafeMutablePointer<interruptsync_gpio_info>?
) -> Int32 {
  attempt {
    let line = unsafe try LineBox.gpio(line)
    var answer = interruptsync_gpio_info()
    answer.dropped = line.droppedEdges
    answer.offset = UInt32(line.offset)
    unsafe withUnsafeMutableBytes(of: &answer.chip) { unsafe fill($0, line.chip.name) }
    unsafe withUnsafeMutableBytes(of: &answer.label) { unsafe fill($0, line.chip.label) }
    unsafe try give(answer, to: info)
    return 0
  }
}

extension GPIOLineSettings {
  /// What a program asks for.
  fileprivate init(_ options: inout interruptsync_gpio_options) throws(Failure) {
    func choice<Value>(_ number: UInt32, _ values: [Value], _ what: String) throws(Failure) -> Value
    {
      guard Int(number) < values.count else { throw .invalid("\(number) is not \(what)") }
      return values[Int(number)]
    }
    let consumer = unsafe withUnsafeBytes(of: &options.consumer) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    self.init(
      edges: try choice(options.edges, [.both, .rising, .falling], "a choice of edges"),
      bias: try choice(options.bias, [.asIs, .disabled, .pullUp, .pullDown], "a bias"),
      isActiveLow: options.active_low,
      debounce: options.debounce == 0 ? nil : .microseconds(options.debounce),
      clock: try choice(options.clock, [.monotonic, .realtime, .hardware], "a clock"),
      buffer: options.buffer == 0 ? 64 : Int(options.buffer),
      consumer: consumer.isEmpty ? nil : consumer)
  }
}
