// Floor 5. interruptsync/line.h: lines of UIO and VFIO devices, of software and of descriptors;
// GPIOLines.swift and VFIODevices.swift make theirs with LineBox, Objects.swift takes any. Programs
// in C make a line on any thread at PASSIVE level and trigger one at any level; no lock. A
// program's calls that mask and unmask run on the threads, and under the locks, that line.h gives.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import GPIO
import Glibc
import InterruptSync
import UIO
import VFIO

/// A line of any kind behind one handle.
final class LineBox: Sendable {
  enum Kind: Sendable {
    case uio(UIOLine)
    case vfio(VFIOLine)
    case gpio(GPIOLine)
    case software(SoftwareLine)
    case descriptor(FileDescriptorLine)
  }

  let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  var source: any InterruptSource {
    switch kind {
    case .uio(let line): line
    case .vfio(let line): line
    case .gpio(let line): line
    case .software(let line): line
    case .descriptor(let line): line
    }
  }
}

extension LineBox: HandleNamed {
  static var handleKind: UInt32 { 0xa5 }
  static var handleName: String { "line" }
}

@c @implementation
public func interruptsync_line_uio(
  _ device: OpaquePointer?, _ rearm: UInt32, _ line: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let device = unsafe try UIODevice.of(device)
    let strategies: [RearmStrategy?] = [nil, .irqControl, .pciCommand, RearmStrategy.none]
    guard Int(rearm) < strategies.count else {
      throw Failure.invalid("\(rearm) is not a re-arm strategy")
    }
    unsafe try LineBox(.uio(UIOLine(device, strategy: strategies[Int(rearm)]))).give(to: line)
    return 0
  }
}

@c @implementation
public func interruptsync_line_software(
  _ name: UnsafePointer<CChar>?, _ line: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let name = unsafe name.map { unsafe String(cString: $0) } ?? "software"
    unsafe try LineBox(.software(SoftwareLine(name: name))).give(to: line)
    return 0
  }
}

@c @implementation
public func interruptsync_line_trigger(_ line: OpaquePointer?, _ count: UInt64) -> Int32 {
  attempt {
    let line = unsafe try LineBox.of(line)
    guard case .software(let software) = line.kind else {
      throw Failure(number: EOPNOTSUPP, text: "\(line.source.name) is not a software line")
    }
    software.trigger(count)
    return 0
  }
}

@c @implementation
public func interruptsync_line_descriptor(
  _ fd: Int32, _ format: UInt32, _ total: UInt32, _ name: UnsafePointer<CChar>?,
  _ line: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt { unsafe try giveDescriptorLine(fd, format, total, name, .none, to: line) }
}

@c @implementation
public func interruptsync_line_descriptor_masked(
  _ fd: Int32, _ format: UInt32, _ total: UInt32, _ name: UnsafePointer<CChar>?,
  _ masking: UnsafePointer<interruptsync_masking>?, _ line: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let masking = unsafe try masking.map { unsafe try LineMasking.of(take($0)) }
    return unsafe try giveDescriptorLine(fd, format, total, name, masking ?? .none, to: line)
  }
}

private func giveDescriptorLine(
  _ fd: Int32, _ format: UInt32, _ total: UInt32, _ name: UnsafePointer<CChar>?,
  _ masking: LineMasking, to line: UnsafeMutablePointer<OpaquePointer?>?
) throws -> Int32 {
  let formats: [FileDescriptorLine.Format] = [.eventCounter, .totals]
  guard Int(format) < formats.count else { throw Failure.invalid("\(format) is not a format") }
  let name = unsafe name.map { unsafe String(cString: $0) } ?? "descriptor"
  let descriptor = try FileDescriptorLine(
    fd, format: formats[Int(format)], total: total, name: name, masking: masking)
  unsafe try LineBox(.descriptor(descriptor)).give(to: line)
  return 0
}

@c @implementation
public func interruptsync_line_set_bus_master(_ line: OpaquePointer?, _ on: Bool) -> Int32 {
  attempt {
    let line = unsafe try LineBox.of(line)
    switch line.kind {
    case .uio(let device): try device.setBusMaster(on)
    case .vfio(let vector): try vector.device.setBusMaster(on)
    case .gpio, .software, .descriptor:
      throw Failure(number: EOPNOTSUPP, text: "\(line.source.name) is not a device's line")
    }
    return 0
  }
}

@c @implementation
public func interruptsync_line_get_info(
  _ line: OpaquePointer?, _ info: UnsafeMutablePointer<interruptsync_line_info>?
) -> Int32 {
  attempt {
    let line = unsafe try LineBox.of(line)
    var answer = interruptsync_line_info()
    answer.rearm = UInt32(INTERRUPTSYNC_REARM_NONE)
    switch line.kind {
    case .uio(let device):
      answer.kind = UInt32(INTERRUPTSYNC_LINE_UIO)
      answer.total = device.total
      answer.rearm = UInt32(device.strategy.constant)
    case .vfio(let vector):
      answer.kind = UInt32(INTERRUPTSYNC_LINE_VFIO)
      if vector.device.interrupt == .intx { answer.rearm = UInt32(INTERRUPTSYNC_REARM_UNMASK) }
    case .gpio: answer.kind = UInt32(INTERRUPTSYNC_LINE_GPIO)
    case .software: answer.kind = UInt32(INTERRUPTSYNC_LINE_SOFTWARE)
    case .descriptor(let descriptor):
      answer.kind = UInt32(INTERRUPTSYNC_LINE_DESCRIPTOR)
      answer.rearm = UInt32(descriptor.masking.rearm)
    }
    unsafe withUnsafeMutableBytes(of: &answer.name) { unsafe fill($0, line.source.name) }
    unsafe try give(answer, to: info)
    return 0
  }
}

extension LineMasking {
  /// The calls of a program's struct.
  fileprivate static func of(_ masking: interruptsync_masking) throws(Failure) -> Self {
    switch unsafe Int(masking.kind) {
    case INTERRUPTSYNC_MASKING_NONE: return .none
    case INTERRUPTSYNC_MASKING_EVENTFD: return unsafe .eventfd(unmask: masking.unmask_fd)
    case INTERRUPTSYNC_MASKING_EACH_INTERRUPT:
      let (mask, unmask) = unsafe try calls(masking)
      return .eachInterrupt(mask: mask, unmask: unmask)
    case INTERRUPTSYNC_MASKING_ON_DEMAND:
      let (mask, unmask) = unsafe try calls(masking)
      return .onDemand(mask: mask, unmask: unmask)
    default: throw unsafe .invalid("\(masking.kind) is not a kind of masking")
    }
  }

  private static func calls(_ masking: interruptsync_masking) throws(Failure) -> (Call, Call) {
    guard let mask = unsafe masking.mask, let unmask = unsafe masking.unmask else {
      throw .invalid("this kind of masking needs both calls")
    }
    // The program keeps it valid, and makes its calls safe for the threads that the header names.
    nonisolated(unsafe) let context = unsafe masking.context
    return ({ unsafe mask(context) }, { unsafe unmask(context) })
  }

  fileprivate var rearm: Int {
    switch self {
    case .none, .onDemand: INTERRUPTSYNC_REARM_NONE
    case .eventfd: INTERRUPTSYNC_REARM_UNMASK
    case .eachInterrupt: INTERRUPTSYNC_REARM_CALL
    }
  }
}

extension RearmStrategy {
  fileprivate var constant: Int {
    switch self {
    case .irqControl: INTERRUPTSYNC_REARM_IRQCONTROL
    case .pciCommand: INTERRUPTSYNC_REARM_PCI_COMMAND
    case .none: INTERRUPTSYNC_REARM_NONE
    }
  }
}
