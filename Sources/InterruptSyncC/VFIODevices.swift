// Floor 5. interruptsync/vfio.h: devices behind an IOMMU, the lines of their vectors, and memory
// for them (DMABuffers.swift). Programs in C call it on any thread at PASSIVE level, without a
// lock. VFIOReports.swift has the reports. To release the last handle closes the device, which may
// wait.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import Glibc
import InterruptSync
import LinuxSystem
import VFIO

/// An open device and where its reports go, behind one handle.
final class VFIOBox: Sendable {
  let device: VFIODevice
  private let sink: VFIOReportSink?

  /// - Parameter open: opens the device, whose reports go where they are told.
  init(
    _ sink: VFIOReportSink?,
    _ open: (@escaping @Sendable (VFIOReport) -> Void) throws(UIOError) -> VFIODevice
  ) throws(UIOError) {
    device = try open { sink?.send($0) }
    self.sink = sink
  }

  /// - Parameter id: a place or a stable id.
  convenience init(
    _ id: String, _ interrupt: VFIOInterrupt?, _ sink: VFIOReportSink?
  ) throws(UIOError) {
    try self.init(sink) { report throws(UIOError) in
      guard let address = PCIAddress(id) else {
        return try VFIODevice(id, interrupt: interrupt, sysfs: Roots.sysfs, report: report)
      }
      return try VFIODevice(address, interrupt: interrupt, sysfs: Roots.sysfs, report: report)
    }
  }

  deinit { sink?.end() }
}

extension VFIOBox: HandleNamed {
  func takeOver(from owner: ProcessOwner) throws { try device.requireOwnProcess("use the device") }
  static var handleKind: UInt32 { 0xb5 }
  static var handleName: String { "VFIO device" }
}

extension VFIOInterrupt {
  fileprivate init?(constant: UInt32) throws(Failure) {
    switch Int(constant) {
    case INTERRUPTSYNC_VFIO_AUTOMATIC: return nil
    case INTERRUPTSYNC_VFIO_MSIX: self = .msix
    case INTERRUPTSYNC_VFIO_MSI: self = .msi
    case INTERRUPTSYNC_VFIO_INTX: self = .intx
    default: throw .invalid("\(constant) is not a kind of interrupt")
    }
  }

  fileprivate var constant: Int {
    switch self {
    case .msix: INTERRUPTSYNC_VFIO_MSIX
    case .msi: INTERRUPTSYNC_VFIO_MSI
    case .intx: INTERRUPTSYNC_VFIO_INTX
    }
  }
}

// MARK: Devices

@c @implementation
public func interruptsync_vfio_open(
  _ id: UnsafePointer<CChar>?, _ options: UnsafePointer<interruptsync_vfio_options>?,
  _ device: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard unsafe device != nil else { throw Failure.noRoom("VFIO device") }
    guard let id = unsafe id else { throw Failure.invalid("the id is NULL") }
    var given = unsafe interruptsync_vfio_options()
    if let options = unsafe options { unsafe given = try take(options) }
    let interrupt = unsafe try VFIOInterrupt(constant: given.interrupt)
    let sink = unsafe VFIOReportSink(handler: given.report, context: given.report_context)
    let opened = unsafe try VFIOBox(String(cString: id), interrupt, sink)
    unsafe try opened.give(to: device)
    return 0
  }
}

@c @implementation
public func interruptsync_vfio_get_info(
  _ device: OpaquePointer?, _ info: UnsafeMutablePointer<interruptsync_vfio_info>?
) -> Int32 {
  attempt {
    let device = unsafe try VFIOBox.of(device).device
    var answer = interruptsync_vfio_info()
    answer.interrupt = UInt32(device.interrupt.constant)
    answer.vector_count = UInt32(device.vectorCount)
    answer.can_reset = device.canReset
    answer.pci_domain = device.address.domain
    answer.pci_bus = device.address.bus
    answer.pci_device = device.address.device
    answer.pci_function = device.address.function
    unsafe withUnsafeMutableBytes(of: &answer.stable_id) { unsafe fill($0, device.description) }
    unsafe try give(answer, to: info)
    return 0
  }
}

@c @implementation
public func interruptsync_vfio_is_alive(_ device: OpaquePointer?) -> Int32 {
  attempt { unsafe try VFIOBox.of(device).device.isAlive ? 1 : 0 }
}

@c @implementation
public func interruptsync_vfio_region(
  _ device: OpaquePointer?, _ number: UInt32, _ region: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    unsafe try VFIOBox.of(device).device.region(bar: Int(number)).give(to: region)
    return 0
  }
}

@c @implementation
public func interruptsync_vfio_configuration(
  _ device: OpaquePointer?, _ region: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    unsafe try VFIOBox.of(device).device.configuration().give(to: region)
    return 0
  }
}

@c @implementation
public func interruptsync_vfio_set_bus_master(_ device: OpaquePointer?, _ on: Bool) -> Int32 {
  attempt {
    unsafe try VFIOBox.of(device).device.setBusMaster(on)
    return 0
  }
}

@c @implementation
public func interruptsync_vfio_reset(_ device: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try VFIOBox.of(device).device.reset()
    return 0
  }
}

// MARK: Lines

@c @implementation
public func interruptsync_vfio_line(
  _ device: OpaquePointer?, _ vector: UInt32, _ line: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let made = unsafe try VFIOLine(VFIOBox.of(device).device, vector: Int(vector))
    unsafe try LineBox(.vfio(made)).give(to: line)
    return 0
  }
}

@c @implementation
public func interruptsync_vfio_self_test(_ line: OpaquePointer?) -> Int32 {
  attempt {
    let line = unsafe try LineBox.of(line)
    guard case .vfio(let vector) = line.kind else {
      throw Failure(
        number: EOPNOTSUPP, text: "\(line.source.name) is not a line of a VFIO device")
    }
    try vector.selfTest()
    return 0
  }
}

// MARK: Memory

@c @implementation
public func interruptsync_vfio_allocate(
  _ device: OpaquePointer?, _ length: UInt64, _ alignment: UInt64, _ direction: UInt32,
  _ buffer: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let device = unsafe try VFIOBox.of(device).device
    guard unsafe buffer != nil else { throw Failure.noRoom(DMABuffer.handleName) }
    let wanted = try DMARequest(length, alignment, direction)
    let made = try DMABuffer(
      device, size: wanted.size, alignment: wanted.alignment, direction: wanted.direction)
    unsafe try made.give(to: buffer)
    return 0
  }
}
