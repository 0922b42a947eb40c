// What a device object stands for: a UIO device's lines and regions, or a software device's.
import CWindowsInterrupts
import Glibc
import InterruptSync
import UIO

@safe final class WindowsDevice: @unchecked Sendable {
  let object: PDEVICE_OBJECT
  private let extensionSize: Int
  private(set) var lines: [Line] = []
  private(set) var ranges: [DeviceRange] = []
  private(set) var software: [SoftwareLine] = []
  private(set) var translated: PCM_RESOURCE_LIST?
  private(set) var untranslated: PCM_RESOURCE_LIST?
  /// The framework's device on it, while a driver has it.
  let framework = FrameworkAttachment()

  private init(extensionSize: ULONG) {
    self.extensionSize = Int(extensionSize)
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
    self.init(extensionSize: extensionSize)
    if device.hasInterrupt {
      let line = try UIOLine(device)
      add(line, kernelNumber: ULONG(device.info.pci?.irq ?? 0), isLatched: line.strategy == .none)
    }
    if let pci = device.info.pci {
      for bar in pci.bars {
        // What cannot be reached is left out; a driver then finds one resource less.
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

  /// A device without hardware.
  convenience init(_ description: INTERRUPTSYNC_SOFTWARE_DEVICE, extensionSize: ULONG) throws {
    self.init(extensionSize: extensionSize)
    for index in 0..<description.Interrupts {
      let line = try SoftwareLine(name: "software line \(index)")
      software.append(line)
      add(line, kernelNumber: index, isLatched: description.Latched != 0)
    }
    if description.MemoryLength > 0 {
      ranges.append(try DeviceRange(softwareMemory: Int(description.MemoryLength)))
    }
    if description.PortLength > 0 {
      ranges.append(try DeviceRange(softwarePorts: Int(description.PortLength)))
    }
    finish(bus: Internal)
  }

  private func add(_ source: any InterruptSource, kernelNumber: ULONG, isLatched: Bool) {
    let (vector, irql) = Vectors.reserve(1)[0]
    let line = Line(
      vector: vector, irql: irql, kernelNumber: kernelNumber, isLatched: isLatched, source: source,
      device: ObjectIdentifier(self))
    lines.append(line)
    Vectors.add(line)
  }

  private func finish(bus: INTERFACE_TYPE) {
    let count = ULONG(lines.count + ranges.count)
    unsafe translated = isw_resources_new(count, bus)
    unsafe untranslated = isw_resources_new(count, bus)
    for line in lines {
      unsafe isw_resources_add_interrupt(
        translated, ULONG(line.irql), line.vector, line.isLatched)
      unsafe isw_resources_add_interrupt(
        untranslated, line.kernelNumber, line.kernelNumber, line.isLatched)
    }
    for range in ranges {
      let type = UCHAR(range.isPort ? CmResourceTypePort : CmResourceTypeMemory)
      unsafe isw_resources_add_range(translated, type, range.start, ULONG(range.size))
      unsafe isw_resources_add_range(untranslated, type, range.start, ULONG(range.size))
    }
    DeviceRanges.add(ranges)
  }
}
