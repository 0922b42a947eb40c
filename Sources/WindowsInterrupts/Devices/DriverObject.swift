// Floor 5, room Devices. The driver object: its names, and what the framework attaches to a driver
// or device object. DriverHosting.swift makes and ends it, on the program's thread at
// PASSIVE_LEVEL; the framework's drivers and devices attach themselves, and any thread may look. A
// monitor guards what is attached. This file knows nothing of the framework.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

/// The place on a driver object or device object for the framework's own object. At most one owner
/// at a time; a monitor guards it, so any thread may look.
final class Attachment: @unchecked Sendable {
  private let monitor = Monitor()
  private var attached: AnyObject?
  private var isClaimed = false

  var owner: AnyObject? { monitor.locked { attached } }

  /// False when the place is taken, or an owner is about to take it.
  func claim() -> Bool {
    monitor.locked {
      defer { isClaimed = true }
      return !isClaimed
    }
  }

  func attach(_ owner: AnyObject) { monitor.locked { attached = owner } }

  func release() {
    monitor.locked {
      attached = nil
      isClaimed = false
    }
  }
}

@safe final class LoadedDriver: @unchecked Sendable {
  let object: PDRIVER_OBJECT
  let registryPath: PUNICODE_STRING
  private let driverExtension: PDRIVER_EXTENSION
  /// The framework's driver, once there is one.
  let attachment = Attachment()

  init(_ entry: @escaping PDRIVER_INITIALIZE, name: String) {
    unsafe object = .allocate(capacity: 1)
    unsafe object.initialize(to: DRIVER_OBJECT())
    unsafe registryPath = .allocate(capacity: 1)
    let services = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
    unsafe registryPath.initialize(to: Self.string(services + name))
    unsafe object.pointee.Size = CSHORT(MemoryLayout<DRIVER_OBJECT>.size)
    unsafe object.pointee.DriverName = unsafe Self.string("\\Driver\\" + name)
    unsafe object.pointee.DriverInit = unsafe entry
    unsafe driverExtension = .allocate(capacity: 1)
    unsafe driverExtension.initialize(to: DRIVER_EXTENSION())
    unsafe driverExtension.pointee.DriverObject = unsafe object
    unsafe driverExtension.pointee.ServiceKeyName = unsafe Self.string(name)
    unsafe object.pointee.DriverExtension = unsafe driverExtension
    unsafe object.pointee.Reserved = unsafe Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    unsafe object.pointee.DriverName.Buffer.deallocate()
    unsafe driverExtension.pointee.ServiceKeyName.Buffer.deallocate()
    unsafe driverExtension.deallocate()
    unsafe registryPath.pointee.Buffer.deallocate()
    unsafe registryPath.deallocate()
    unsafe object.deallocate()
  }

  private static func string(_ text: String) -> UNICODE_STRING {
    let units = Array(text.utf16)
    let buffer = PWSTR.allocate(capacity: units.count + 1)
    for (index, unit) in units.enumerated() { unsafe buffer[index] = unit }
    unsafe buffer[units.count] = 0
    let length = USHORT(units.count * 2)
    return unsafe UNICODE_STRING(Length: length, MaximumLength: length + 2, Buffer: buffer)
  }

  static func of(_ object: PDRIVER_OBJECT?) -> LoadedDriver? {
    guard let object = unsafe object, let reserved = unsafe object.pointee.Reserved else {
      return nil
    }
    return unsafe Unmanaged<LoadedDriver>.fromOpaque(reserved).takeUnretainedValue()
  }
}
