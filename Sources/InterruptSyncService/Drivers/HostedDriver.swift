// Drivers room. A driver that runs on one device: it is started, its routine is registered, and it is
// stopped. Control thread; the driver's routine runs on the dispatcher's thread under the interrupt
// lock, its deferred routine on its queue's thread.
import CInterruptSync
import CUIO
import Glibc
import InterruptSync
import UIO

/// One device's instance of a driver.
@safe final class HostedDriver {
  /// The names of what the driver captures, in the order of `captured`.
  let captures: [String]
  /// Read it under the object's lock.
  let captured: UnsafeMutablePointer<UInt64>
  private let library: DriverLibrary
  private let host: DriverHost
  private let driver: UnsafeMutablePointer<interruptsync_driver>
  private var registration: ServiceRoutineRegistration?
  private var queue: DeferredQueue?
  private var isRunning = false

  /// Loads and starts it. Its routine is not registered yet.
  /// - Parameters:
  ///   - device: the device's id; `routine`: the routine's name.
  ///   - regions: nil for a line without registers.
  /// - Throws: what loading throws; `driverFailed` if the driver refused, `malformed` if its answer is
  ///   not usable, `resourcesExhausted`.
  init(
    _ file: DriverFile, arguments: [String], device: String, routine: String,
    object: InterruptSyncObject, regions: DeviceRegions?
  ) throws {
    let library = try DriverLibrary(file)
    let host = DriverHost(
      device: device, routine: routine, arguments: arguments, object: object, regions: regions)
    let room = UnsafeMutableRawPointer.allocate(
      byteCount: Int(INTERRUPTSYNC_DRIVER_ROOM), alignment: 16)
    unsafe room.initializeMemory(
      as: UInt8.self, repeating: 0, count: Int(INTERRUPTSYNC_DRIVER_ROOM))
    let driver = unsafe room.assumingMemoryBound(to: interruptsync_driver.self)
    self.library = library
    self.host = host
    unsafe self.driver = unsafe driver
    unsafe captured = unsafe host.captured
    let result = unsafe library.start(host.table, driver)
    host.hasStarted()
    guard result >= 0 else {
      captures = []
      throw UIOError(
        .driverFailed, device: device, operation: "start the driver \(library.path)",
        cause: "it refused", hint: "see its messages in the log", errno: -result)
    }
    guard unsafe driver.pointee.service != nil, unsafe Self.isUnderstood(room) else {
      captures = []
      if let stop = unsafe driver.pointee.stop { unsafe stop(driver.pointee.context) }
      throw UIOError(
        .malformed, device: device, operation: "start the driver \(library.path)",
        cause: "its interruptsync_driver has no service function, or has a later version",
        hint: "set size and service; a driver of a later version needs that version's daemon")
    }
    captures = unsafe Self.names(driver.pointee)
    host.captureLimit = captures.count
    isRunning = true
  }

  deinit {
    stop()
    unsafe UnsafeMutableRawPointer(driver).deallocate()
  }

  /// Whether the driver set nothing beyond what this version knows.
  private static func isUnderstood(_ room: UnsafeMutableRawPointer) -> Bool {
    let known = unsafe MemoryLayout<interruptsync_driver>.size
    let size = unsafe room.load(as: Int.self)
    guard size >= known, size <= Int(INTERRUPTSYNC_DRIVER_ROOM) else { return false }
    return unsafe UnsafeRawBufferPointer(start: room + known, count: size - known)
      .allSatisfy { $0 == 0 }
  }

  private static func names(_ driver: interruptsync_driver) -> [String] {
    guard let names = unsafe driver.captures else { return [] }
    let count = unsafe min(driver.capture_count, Int(INTERRUPTSYNC_HOST_CAPTURES))
    return (0..<count).map { index in
      unsafe names[index].map { unsafe String(cString: $0) } ?? "value-\(index + 1)"
    }
  }

  /// Registers the driver's routine.
  /// - Throws: `InterruptSyncError`.
  func register() throws -> ServiceRoutineRegistration {
    if unsafe driver.pointee.deferred != nil {
      let queue = try DeferredQueue(name: host.routine)
      host.deferred = unsafe DeferredRoutine(
        on: queue,
        { driver, _, _ in
          guard let driver = unsafe driver?.assumingMemoryBound(to: interruptsync_driver.self)
          else { return }
          unsafe driver.pointee.deferred?(driver.pointee.context)
        }, context: driver)
      self.queue = queue
    }
    let registration = unsafe try host.object.registerServiceRoutine(
      { _, driver in
        guard let driver = unsafe driver?.assumingMemoryBound(to: interruptsync_driver.self),
          let service = unsafe driver.pointee.service
        else { return NTStatus.unsuccessful.rawValue }
        return unsafe service(driver.pointee.context)
      }, context: driver)
    self.registration = registration
    return registration
  }

  /// Cancels the routine and stops the driver. When this returns, none of its code runs.
  func stop() {
    guard isRunning else { return }
    isRunning = false
    registration?.cancel()
    // From here on nothing is queued, also not by the driver itself. The flush runs what is queued.
    host.endDeferring()
    try? queue?.flush()
    queue = nil
    if let stop = unsafe driver.pointee.stop { unsafe stop(driver.pointee.context) }
  }
}
