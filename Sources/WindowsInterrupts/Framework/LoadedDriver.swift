// A driver object and what it keeps: its names, and the framework's driver once there is one.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

@safe final class LoadedDriver: @unchecked Sendable {
  let object: PDRIVER_OBJECT
  let registryPath: PUNICODE_STRING
  private let monitor = Monitor()
  private var driver: FrameworkDriver?

  init(_ entry: @escaping PDRIVER_INITIALIZE, name: String) {
    unsafe object = .allocate(capacity: 1)
    unsafe object.initialize(to: DRIVER_OBJECT())
    unsafe registryPath = .allocate(capacity: 1)
    let services = "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
    unsafe registryPath.initialize(to: Self.string(services + name))
    unsafe object.pointee.Size = CSHORT(MemoryLayout<DRIVER_OBJECT>.size)
    unsafe object.pointee.DriverName = unsafe Self.string("\\Driver\\" + name)
    unsafe object.pointee.DriverInit = unsafe entry
    unsafe object.pointee.Reserved = unsafe Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    unsafe object.pointee.DriverName.Buffer.deallocate()
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

  var framework: FrameworkDriver? { monitor.locked { driver } }

  /// False when there is one already.
  func attach(_ framework: FrameworkDriver) -> Bool {
    monitor.locked {
      guard driver == nil else { return false }
      driver = framework
      return true
    }
  }

  func detach() { monitor.locked { driver = nil } }
}
