// Drivers room. A driver that runs on one device: it is started, its routine is registered, and it
// is stopped. ManagedDevice+Service calls it on the control thread, without a lock; stopping takes
// the device's interrupt lock for a moment. The driver starts and stops on threads of their own,
// its routine runs on the dispatcher's thread under the interrupt lock, its deferred routine on its
// queue's thread without it.
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
  /// A function of the driver's has not returned: what it uses lasts as long as the process.
  private var isAbandoned = false

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
    guard let result = unsafe try Self.start(library, host, driver) else {
      captures = []
      isAbandoned = true
      throw UIOError(
        .driverFailed, device: device, operation: "start the driver \(library.path)",
        cause: "its start function has not returned for \(DriverCall.limit)",
        hint: "start functions must not wait; restart the daemon to unload the driver")
    }
    guard result >= 0 else {
      captures = []
      throw UIOError(
        .driverFailed, device: device, operation: "start the driver \(library.path)",
        cause: "it refused", hint: "see its messages in the log", errno: -result)
    }
    guard unsafe driver.pointee.service != nil, unsafe Self.isUnderstood(room) else {
      captures = []
      isRunning = true
      stop()
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
    if isAbandoned {
      _ = unsafe Unmanaged.passRetained(library)
      _ = unsafe Unmanaged.passRetained(host)
    } else {
      unsafe UnsafeMutableRawPointer(driver).deallocate()
    }
  }

  /// What the start function answered; nil if it has not returned in time.
  /// - Throws: `SystemError`: no thread for it.
  private static func start(
    _ library: DriverLibrary, _ host: DriverHost,
    _ driver: UnsafeMutablePointer<interruptsync_driver>
  ) throws(SystemError) -> Int32? {
    let call = unsafe StartCall(library: library, host: host, driver: driver)
    guard try DriverCall.run("start", { call.run() }) else { return nil }
    host.hasStarted()
    return call.result
  }

  /// A call of the start function, on its way to another thread and back.
  @safe private final class StartCall: @unchecked Sendable {
    // Released before the caller goes on, which may be about to unload the driver.
    private var library: DriverLibrary?
    private var host: DriverHost?
    private let driver: UnsafeMutablePointer<interruptsync_driver>
    private(set) var result: Int32 = 0

    init(
      library: DriverLibrary, host: DriverHost, driver: UnsafeMutablePointer<interruptsync_driver>
    ) {
      self.library = library
      self.host = host
      unsafe self.driver = unsafe driver
    }

    func run() {
      if let library, let host { result = unsafe library.start(host.table, driver) }
      (library, host) = (nil, nil)
    }
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

  /// Cancels the routine and stops the driver. When this returns, none of its code runs, unless its
  /// deferred routine or its stop function does not return: then the message log says so.
  func stop() {
    guard isRunning else { return }
    isRunning = false
    registration?.cancel()
    // From here on nothing is queued, also not by the driver itself. The flush runs what is queued.
    host.endDeferring()
    let call = unsafe StopCall(queue: queue, driver: driver.pointee)
    queue = nil
    do throws(SystemError) {
      isAbandoned = try !DriverCall.run("stop", { call.run() })
    } catch {
      // Without a thread to call it from, the driver keeps running code that is never unloaded.
      isAbandoned = true
    }
    if isAbandoned { host.hasNotStopped() }
  }

  /// The rest of a driver whose routine is cancelled, on its way to another thread.
  @safe private final class StopCall: @unchecked Sendable {
    private var queue: DeferredQueue?
    private let driver: interruptsync_driver

    init(queue: DeferredQueue?, driver: interruptsync_driver) {
      self.queue = queue
      unsafe self.driver = unsafe driver
    }

    func run() {
      try? queue?.flush()
      // Before the driver's code may go: its deferred routine belongs to the queue.
      queue = nil
      if let stop = unsafe driver.stop { unsafe stop(driver.context) }
    }
  }
}
