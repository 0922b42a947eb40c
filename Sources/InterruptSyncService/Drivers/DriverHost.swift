// The table of functions that a driver gets, and what stands behind it.
import CInterruptSync
import CUIO
import Glibc
import InterruptSync
import Synchronization
import UIO

/// One device's side of its driver. The table's functions may come from any thread.
@safe final class DriverHost: @unchecked Sendable {
  let routine: String
  let object: InterruptSyncObject
  let captured: UnsafeMutablePointer<UInt64>
  let table: UnsafeMutablePointer<interruptsync_host>
  /// How many of `captured` the driver has names for. Fixed before its routine is registered.
  var captureLimit = 0
  /// Set before the routine is registered, and let go when nothing can ask for it any more.
  var deferred: DeferredRoutine?
  private let device: String
  private let regions: DeviceRegions?
  private let texts: [UnsafeMutablePointer<CChar>]
  private let arguments: UnsafeMutablePointer<UnsafePointer<CChar>?>
  private var opened: [String: RegisterRegion] = [:]
  private var isStarting = true
  private let mayDefer = Atomic<Bool>(true)
  /// Threads inside defer().
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

  /// From now on no region is opened any more.
  func hasStarted() { isStarting = false }

  /// From now on defer() does nothing. When this returns nobody is inside it any more.
  func endDeferring() {
    mayDefer.store(false, ordering: .sequentiallyConsistent)
    while asking.load(ordering: .sequentiallyConsistent) != 0 { sched_yield() }
  }

  // MARK: What the functions do

  func region(_ name: String) throws(UIOError) -> RegisterRegion {
    guard isStarting else {
      throw UIOError(
        .readOnly, device: device, operation: "open \(name)",
        cause: "regions are opened by interruptsync_driver_start()")
    }
    if let region = opened[name] { return region }
    guard let regions else {
      throw UIOError(
        .noSuchRegion, device: device, operation: "open \(name)",
        cause: "a software line has no registers")
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
