// Drivers room. The table of functions that a hosted driver gets, as C calls it, and the object
// that implements it. HostedDriver makes it on the control thread. The driver calls its table from
// any thread, also from its service routine at DIRQL under the interrupt lock: an access allocates
// nothing and counts no reference unless it fails. Regions open only in the start function;
// messages are refused at DIRQL. No lock of its own, only atomics.
import CInterruptSync
import CUIO
import Glibc
import InterruptSync
import Synchronization
import UIO

/// One device's side of its driver.
@safe final class DriverHost: @unchecked Sendable {
  let routine: String
  let object: InterruptSyncObject
  let captured: UnsafeMutablePointer<UInt64>
  let table: UnsafeMutablePointer<interruptsync_host>
  /// The number of captures that the driver names. Fixed before its routine is registered.
  var captureLimit = 0
  /// Set before the routine is registered; released once nothing can call defer() any more.
  var deferred: DeferredRoutine?
  private let device: String
  private let regions: DeviceRegions?
  private let texts: [UnsafeMutablePointer<CChar>]
  private let arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>
  private var opened: [String: RegisterRegion] = [:]
  private let isStarting = Atomic<Bool>(true)
  private let mayDefer = Atomic<Bool>(true)
  /// The number of threads inside defer().
  private let asking = Atomic<Int>(0)

  init(
    device: String, routine: String, arguments: [String], object: InterruptSyncObject,
    regions: DeviceRegions?
  ) {
    self.device = device
    self.routine = routine
    self.object = object
    self.regions = regions
    unsafe captured = .allocate(capacity: Int(INTERRUPTSYNC_HOST_CAPTURES))
    unsafe captured.initialize(repeating: 0, count: Int(INTERRUPTSYNC_HOST_CAPTURES))
    unsafe texts = ([device, routine] + arguments).map { unsafe strdup($0) }
    unsafe self.arguments = .allocate(capacity: arguments.count + 1)
    for index in arguments.indices {
      unsafe (self.arguments + index).initialize(to: UnsafePointer(texts[index + 2]))
    }
    unsafe (self.arguments + arguments.count).initialize(to: nil)
    unsafe table = .allocate(capacity: 1)
    unsafe table.initialize(to: Self.functions)
    unsafe table.pointee.device = unsafe UnsafePointer(texts[0])
    unsafe table.pointee.routine = unsafe UnsafePointer(texts[1])
    unsafe table.pointee.argument_count = arguments.count
    unsafe table.pointee.arguments = unsafe UnsafePointer(self.arguments)
    unsafe table.pointee.daemon = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    for index in unsafe texts.indices { unsafe free(texts[index]) }
    unsafe arguments.deallocate()
    unsafe captured.deallocate()
    unsafe table.deallocate()
  }

  /// Call it after the driver has started: from then on no region can be opened.
  func hasStarted() { isStarting.store(false, ordering: .releasing) }

  /// The driver's deferred routine or its stop function does not return.
  func hasNotStopped() {
    Journal.standard.log(
      .error,
      "\(device): \(routine): the driver has not stopped for \(DriverCall.limit); its code stays loaded",
      device: device)
  }

  /// Makes defer() do nothing from now on. When this returns, no thread is inside defer().
  func endDeferring() {
    mayDefer.store(false, ordering: .sequentiallyConsistent)
    while asking.load(ordering: .sequentiallyConsistent) != 0 { sched_yield() }
  }

  // MARK: The functions

  func region(_ name: String) throws(UIOError) -> RegisterRegion {
    guard isStarting.load(ordering: .acquiring) else {
      throw UIOError(
        .readOnly, device: device, operation: "open \(name)",
        cause: "only interruptsync_driver_start() may open regions",
        hint: "open it there, and keep the handle")
    }
    if let region = opened[name] { return region }
    guard let regions else {
      throw UIOError(
        .noSuchRegion, device: device, operation: "open \(name)",
        cause: "a software line has no registers",
        hint: "give the driver a device with registers")
    }
    let region = try regions.region(RegisterReference(name + ":0").region)
    opened[name] = region
    return region
  }

  func capture(_ index: UInt32, _ value: UInt64) {
    if Int(index) < captureLimit { unsafe captured[Int(index)] = value }
  }

  func ask() -> Int32 {
    asking.add(1, ordering: .sequentiallyConsistent)
    defer { asking.subtract(1, ordering: .sequentiallyConsistent) }
    guard let deferred, mayDefer.load(ordering: .sequentiallyConsistent) else {
      return -EOPNOTSUPP
    }
    return deferred.enqueue() ? 0 : 1
  }

  func say(_ text: String) -> Int32 {
    guard InterruptLevel.current < .device else { return -EPERM }
    Journal.standard.log(.info, "\(device): \(routine): \(text)", device: device)
    return 0
  }
}

extension DriverHost {
  /// The entries that are the same for all devices.
  static var functions: interruptsync_host {
    var table = unsafe interruptsync_host()
    unsafe table.size = MemoryLayout<interruptsync_host>.size
    unsafe table.region = { host, name, region, length in
      guard let name = unsafe name, let region = unsafe region else { return -EINVAL }
      return unsafe DriverHost.with(host) { host in
        do throws(UIOError) {
          let opened = try unsafe host.region(String(cString: name))
          unsafe region.pointee = OpaquePointer(Unmanaged.passUnretained(opened).toOpaque())
          unsafe length?.pointee = UInt64(opened.size)
          return 0
        } catch { return error.code == .readOnly ? -EPERM : -error.number }
      }
    }
    unsafe table.capture = { host, index, value in
      _ = unsafe DriverHost.with(host) { host in
        host.capture(index, value)
        return 0
      }
    }
    unsafe table.call = { host, routine, context, status in
      guard let routine = unsafe routine else { return -EINVAL }
      return unsafe DriverHost.with(host) { host in
        do throws(InterruptSyncError) {
          let answer = try host.object.callSynchronizedRoutine { unsafe routine(context) }
          unsafe status?.pointee = answer
          return 0
        } catch { return -error.number }
      }
    }
    unsafe table.defer = { host in unsafe DriverHost.with(host) { $0.ask() } }
    unsafe table.say = { host, text in
      guard let text = unsafe text else { return -EINVAL }
      return unsafe DriverHost.with(host) { unsafe $0.say(String(cString: text)) }
    }
    unsafe addAccesses(&table)
    return unsafe table
  }

  private static func addAccesses(_ table: inout interruptsync_host) {
    unsafe table.read8 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read8(at: place(offset))
      }
    }
    unsafe table.read16 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read16(at: place(offset))
      }
    }
    unsafe table.read32 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read32(at: place(offset))
      }
    }
    unsafe table.read64 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read64(at: place(offset))
      }
    }
    unsafe table.write8 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write8(value, at: place(offset))
      }
    }
    unsafe table.write16 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write16(value, at: place(offset))
      }
    }
    unsafe table.write32 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write32(value, at: place(offset))
      }
    }
    unsafe table.write64 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write64(value, at: place(offset))
      }
    }
  }

  /// Runs `body` on a table's host, without counting a reference.
  @inline(__always)
  private static func with(
    _ host: UnsafePointer<interruptsync_host>?, _ body: (DriverHost) -> Int32
  ) -> Int32 {
    guard let daemon = unsafe host?.pointee.daemon else { return -EINVAL }
    return unsafe Unmanaged<DriverHost>.fromOpaque(daemon)._withUnsafeGuaranteedRef { body($0) }
  }
}

/// Offsets are unsigned in C. One that does not fit Swift's Int is outside every region.
@inline(__always)
private func place(_ offset: UInt64) -> Int { Int(exactly: offset) ?? .max }

// On a service routine's path: it allocates nothing and counts no reference unless an access fails.
@inline(__always)
private func access(
  _ region: OpaquePointer?, _ body: (RegisterRegion) throws(UIOError) -> Void
) -> Int32 {
  guard let region = unsafe region else { return -EINVAL }
  return unsafe Unmanaged<RegisterRegion>.fromOpaque(UnsafeRawPointer(region))
    ._withUnsafeGuaranteedRef { region in
      do throws(UIOError) {
        try body(region)
        return 0
      } catch { return -error.number }
    }
}

@inline(__always)
private func access<T>(
  _ region: OpaquePointer?, _ value: UnsafeMutablePointer<T>?,
  _ body: (RegisterRegion, UnsafeMutablePointer<T>) throws(UIOError) -> Void
) -> Int32 {
  guard let value = unsafe value else { return -EINVAL }
  return unsafe access(region) { region throws(UIOError) in try unsafe body(region, value) }
}
