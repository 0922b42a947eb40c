// Floor 5, room Devices. The device object: a UIO or VFIO device's lines and regions, or a software
// device's. The program calls what creates, describes and deletes one, on its thread at
// PASSIVE_LEVEL without an interrupt lock; it may trigger a software line at any level, also in a
// routine. The other files of rooms Devices, Interrupts and Framework look devices up. Fields are
// set while it is made, so no lock guards them.
public import CWindowsInterrupts
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import VFIO

@safe final class WindowsDevice: @unchecked Sendable {
  let object: PDEVICE_OBJECT
  private let extensionSize: Int
  private(set) var lines: [Line] = []
  private(set) var ranges: [DeviceRange] = []
  /// Of a software device. `lines` keeps them: a routine that triggers one counts no references.
  private let software: [Unmanaged<SoftwareLine>]
  let memory: Memory
  private(set) var translated: PCM_RESOURCE_LIST?
  private(set) var untranslated: PCM_RESOURCE_LIST?
  /// The framework's device on it, while a driver has it.
  let attachment = Attachment()

  private init(
    extensionSize: ULONG, _ memory: Memory, software: [SoftwareLine] = []
  ) {
    unsafe self.software = unsafe software.map { unsafe Unmanaged.passUnretained($0) }
    self.extensionSize = Int(extensionSize)
    self.memory = memory
    unsafe object = .allocate(capacity: 1)
    unsafe object.initialize(to: DEVICE_OBJECT())
    unsafe object.pointee.Size = USHORT(MemoryLayout<DEVICE_OBJECT>.size)
    unsafe object.pointee.ReferenceCount = 1
    if extensionSize > 0 {
      unsafe object.pointee.DeviceExtension = calloc(1, Int(extensionSize))
    }
    unsafe object.pointee.Reserved = unsafe Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    for line in lines { Vectors.remove(line) }
    DeviceRanges.remove(ranges)
    unsafe isw_io_timer_end(object)
    unsafe isw_forget(object, MemoryLayout<DEVICE_OBJECT>.size)
    unsafe isw_forget(object.pointee.DeviceExtension, extensionSize)
    unsafe free(object.pointee.DeviceExtension)
    unsafe free(translated)
    unsafe free(untranslated)
    unsafe object.deallocate()
  }

  static func of(_ object: PDEVICE_OBJECT?) -> WindowsDevice? {
    guard let object = unsafe object, let reserved = unsafe object.pointee.Reserved else {
      return nil
    }
    return unsafe Unmanaged<WindowsDevice>.fromOpaque(reserved).takeUnretainedValue()
  }

  /// The device of a UIO device: its line if it has an interrupt, its BARs or else its maps.
  convenience init(_ device: UIODevice, extensionSize: ULONG) throws {
    self.init(extensionSize: extensionSize, .machine(device))
    if device.hasInterrupt {
      let line = try UIOLine(device)
      add(line, kernelNumber: ULONG(device.info.pci?.irq ?? 0), isLatched: line.strategy == .none)
    }
    if let pci = device.info.pci {
      for bar in pci.bars {
        // Skips a region that cannot be opened; the driver then finds one resource less.
        guard let region = try? device.region(bar: bar.number) else { continue }
        ranges.append(DeviceRange(start: bar.address, region: region))
      }
    } else {
      for map in device.info.maps {
        guard let region = try? device.region(map: map.index) else { continue }
        ranges.append(DeviceRange(start: map.address + map.offset, region: region))
      }
    }
    finish(bus: device.info.pci == nil ? Internal : PCIBus)
  }

  /// The device of a PCI function of vfio-pci: its messages or its INTx, and its BARs. There is no
  /// range for a BAR that cannot be opened, as with UIO.
  convenience init(_ device: VFIODevice, extensionSize: ULONG, sysfs: Sysfs = .system) throws {
    self.init(extensionSize: extensionSize, .iommu(device))
    let isMessage = device.interrupt != .intx
    for vector in 0..<device.vectorCount {
      add(
        try VFIOLine(device, vector: vector), kernelNumber: ULONG(vector), isLatched: isMessage,
        message: isMessage ? ULONG(vector) : nil)
    }
    let folder = Self.folder(device.address, sysfs)
    let function = PCIFunction(sysfs: sysfs, folder: folder, address: device.address)
    for bar in function?.bars ?? [] {
      guard let region = try? device.region(bar: bar.number) else { continue }
      ranges.append(DeviceRange(start: bar.address, region: region))
    }
    finish(bus: PCIBus)
  }

  private static func folder(_ address: PCIAddress, _ sysfs: Sysfs) -> String {
    "\(sysfs.root)/bus/pci/devices/\(address)"
  }

  /// The PCI function of this name, if vfio-pci has it.
  static func vfioFunction(_ name: String, sysfs: Sysfs = .system) -> PCIAddress? {
    guard let address = PCIAddress(name.hasPrefix("pci-") ? name.dropFirst(4) : name[...]),
      sysfs.linkName("\(folder(address, sysfs))/driver") == "vfio-pci"
    else { return nil }
    return address
  }

  /// A device without hardware.
  convenience init(_ description: INTERRUPTSYNC_SOFTWARE_DEVICE, extensionSize: ULONG) throws {
    let software = try (0..<description.Interrupts).map {
      try SoftwareLine(name: "software line \($0)")
    }
    self.init(extensionSize: extensionSize, .software, software: software)
    for (line, index) in zip(software, 0..<description.Interrupts) {
      let isMessage = description.MessageSignaled != 0
      add(
        line, kernelNumber: index, isLatched: isMessage || description.Latched != 0,
        message: isMessage ? index : nil)
    }
    if description.MemoryLength > 0 {
      ranges.append(try DeviceRange(softwareMemory: Int(description.MemoryLength)))
    }
    if description.PortLength > 0 {
      ranges.append(try DeviceRange(softwarePorts: Int(description.PortLength)))
    }
    finish(bus: Internal)
  }

  private func add(
    _ source: any InterruptSource, kernelNumber: ULONG, isLatched: Bool, message: ULONG? = nil
  ) {
    let (vector, irql) = Vectors.reserve(1)[0]
    let line = Line(
      vector: vector, irql: irql, kernelNumber: kernelNumber, isLatched: isLatched,
      message: message, source: source, device: ObjectIdentifier(self))
    lines.append(line)
    Vectors.add(line)
  }

  /// Raises an interrupt of a software device; false if there is none of this number. Also called by
  /// routines, which it costs one system call.
  fileprivate func trigger(_ index: ULONG) -> Bool {
    guard unsafe index < software.count else { return false }
    unsafe software[Int(index)]._withUnsafeGuaranteedRef { $0.trigger() }
    return true
  }

  private func finish(bus: INTERFACE_TYPE) {
    let count = ULONG(lines.count + ranges.count)
    unsafe translated = isw_resources_new(count, bus)
    unsafe untranslated = isw_resources_new(count, bus)
    for line in lines {
      unsafe isw_resources_add_interrupt(
        translated, ULONG(line.irql), line.vector, line.flags)
      unsafe isw_resources_add_interrupt(
        untranslated, line.kernelNumber, line.kernelNumber, line.flags)
    }
    for range in ranges {
      let type = UCHAR(range.isPort ? CmResourceTypePort : CmResourceTypeMemory)
      unsafe isw_resources_add_range(translated, type, range.start, ULONG(range.size))
      unsafe isw_resources_add_range(untranslated, type, range.start, ULONG(range.size))
    }
    DeviceRanges.add(ranges)
  }
}

private func create(
  _ call: String, _ out: UnsafeMutablePointer<PDEVICE_OBJECT?>?, _ make: () throws -> WindowsDevice
) -> NTSTATUS {
  guard let out = unsafe out else { return NTStatus.invalidParameter.rawValue }
  unsafe out.pointee = nil
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else {
    return NTStatus.invalidDeviceState.rawValue
  }
  do {
    let device = try make()
    _ = unsafe Unmanaged.passRetained(device)
    unsafe out.pointee = device.object
    return NTStatus.success.rawValue
  } catch let error as UIOError {
    Reports.notice(call, "N16", error.description)
    return error.status.rawValue
  } catch let error as InterruptSyncError {
    return Reports.failure(call, error)
  } catch {
    return NTStatus.unsuccessful.rawValue
  }
}

extension UIOError {
  /// The status of N16 for an error of a device.
  var status: NTStatus {
    switch code {
    case .notFound, .removed, .noSuchRegion: .notFound
    case .malformed, .ambiguous: .invalidParameter
    case .permissionDenied: .accessDenied
    case .busy: .deviceBusy
    case .resourcesExhausted: .insufficientResources
    default: .unsuccessful
    }
  }
}

@c @implementation
public func InterruptSyncCreateDevice(
  _ DeviceId: PCSTR!, _ DeviceExtensionSize: ULONG,
  _ DeviceObject: UnsafeMutablePointer<PDEVICE_OBJECT?>!
) -> NTSTATUS {
  guard let DeviceId = unsafe DeviceId else { return NTStatus.invalidParameter.rawValue }
  let text = unsafe String(cString: DeviceId)
  return unsafe create("InterruptSyncCreateDevice", DeviceObject) {
    if let address = WindowsDevice.vfioFunction(text) {
      let device = try VFIODevice(address) {
        Reports.notice("device pci-\(address)", "N16", $0.description)
      }
      return try WindowsDevice(device, extensionSize: DeviceExtensionSize)
    }
    return try WindowsDevice(UIODevice(UIODeviceID(text)), extensionSize: DeviceExtensionSize)
  }
}

@c @implementation
public func InterruptSyncCreateSoftwareDevice(
  _ Device: UnsafePointer<INTERRUPTSYNC_SOFTWARE_DEVICE>!, _ DeviceExtensionSize: ULONG,
  _ DeviceObject: UnsafeMutablePointer<PDEVICE_OBJECT?>!
) -> NTSTATUS {
  guard let description = unsafe Device?.pointee else {
    return NTStatus.invalidParameter.rawValue
  }
  guard description.Size == MemoryLayout<INTERRUPTSYNC_SOFTWARE_DEVICE>.size else {
    return NTSTATUS(bitPattern: 0xC000_0004)
  }
  return unsafe create("InterruptSyncCreateSoftwareDevice", DeviceObject) {
    try WindowsDevice(description, extensionSize: DeviceExtensionSize)
  }
}

@c @implementation
public func InterruptSyncTriggerInterrupt(_ DeviceObject: PDEVICE_OBJECT!, _ Index: ULONG)
  -> NTSTATUS
{
  guard let device = unsafe DeviceObject?.pointee.Reserved else {
    return NTStatus.invalidParameter.rawValue
  }
  return unsafe Unmanaged<WindowsDevice>.fromOpaque(device)._withUnsafeGuaranteedRef {
    $0.trigger(Index) ? NTStatus.success.rawValue : NTStatus.invalidParameter.rawValue
  }
}

@c @implementation
public func InterruptSyncDeleteDevice(_ DeviceObject: PDEVICE_OBJECT!) {
  guard Reports.require("InterruptSyncDeleteDevice", atMost: KIRQL(PASSIVE_LEVEL)),
    let device = unsafe WindowsDevice.of(DeviceObject)
  else { return }
  unsafe Unmanaged.passUnretained(device).release()
}

@c @implementation
public func InterruptSyncSetBusMaster(_ DeviceObject: PDEVICE_OBJECT!, _ On: BOOLEAN) -> NTSTATUS {
  let call = "InterruptSyncSetBusMaster"
  guard let device = unsafe WindowsDevice.of(DeviceObject) else {
    return NTStatus.invalidParameter.rawValue
  }
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else {
    return NTStatus.invalidDeviceState.rawValue
  }
  do throws(UIOError) {
    switch device.lines.first?.shared.source {
    case let line as UIOLine: try line.setBusMaster(On != 0)
    case let line as VFIOLine: try line.device.setBusMaster(On != 0)
    default:
      Reports.notice(call, "N16", "the device has no interrupt line of a PCI function")
      return NTStatus.notSupported.rawValue
    }
    return NTStatus.success.rawValue
  } catch {
    Reports.notice(call, "N16", error.description)
    return (error.code == .rearmUnsupported ? .notSupported : error.status).rawValue
  }
}

@c @implementation
public func InterruptSyncTranslatedResources(_ DeviceObject: PDEVICE_OBJECT!) -> PCM_RESOURCE_LIST!
{ unsafe WindowsDevice.of(DeviceObject)?.translated }

@c @implementation
public func InterruptSyncUntranslatedResources(_ DeviceObject: PDEVICE_OBJECT!)
  -> PCM_RESOURCE_LIST!
{ unsafe WindowsDevice.of(DeviceObject)?.untranslated }
