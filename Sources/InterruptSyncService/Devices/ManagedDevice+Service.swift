// Connecting and disconnecting a device as its configuration says.
import CUIO
import InterruptSync
import Synchronization
import UIO

extension ManagedDevice {
  private var settings: DeviceSettings { configuration?.settings ?? DeviceSettings() }

  /// Opens, prepares and connects; the object, its statistics and its list are those of before.
  /// - Throws: `UIOError` and `InterruptSyncError`, each naming the device.
  func connect() throws {
    guard !isConnected else { return }
    do {
      try open()
      try register()
      try connectObject()
      failure = nil
    } catch {
      failure = "\(error)"
      throw error
    }
  }

  /// Masks and drains. The device stays known, and open.
  func disconnect() {
    try? object?.disconnect()
    failure = nil
  }

  /// Lets go of the device: its descriptor is closed once nobody has a part of it any more.
  ///
  /// - Parameter forgets: the service manager is to let go of it as well.
  func close(forgets: Bool = true) {
    disconnect()
    if let totals { supervision.save([totals]) }
    cancelRoutines()
    if forgets, line != nil { supervision.forget(id) }
    line = nil
    regions = nil
  }

  /// Takes over descriptors of the device, which is there and not open, for the next connect.
  /// - Throws: when they are not what they are said to be; nothing has changed then.
  func adopt(
    node: FileDescriptor, configuration: FileDescriptor?, of info: UIODeviceInfo
  ) throws(Inheritance.Refusal) {
    let count = try supervision.adopt(node: node, configuration: configuration, of: info)
    guard let object else { return }
    countBase = count &- UInt32(truncatingIfNeeded: object.statistics().interrupts)
  }

  /// Kept by the service manager first: from the first interrupt on none is lost with the process.
  func connectObject() throws {
    guard let object else { return }
    guard let line else { return try object.connect() }
    countBase =
      line.device.total.load(ordering: .relaxed)
      &- UInt32(truncatingIfNeeded: object.statistics().interrupts)
    if let totals { supervision.keep(totals, line, isContinued: isContinued) }
    do { try object.connect(to: line) } catch {
      supervision.forget(id)
      throw error
    }
  }

  /// Opens what is there, unless it is open. An instance that came in the place of another is
  /// opened anew.
  func open() throws {
    guard !isSoftware else { return try makeObject(software) }
    guard let info else {
      throw UIOError(
        .removed, device: id, operation: "connect", cause: "the device is not there",
        hint: "it is connected when it comes back")
    }
    if let line, line.device.info == info, line.device.isAlive {
      isContinued = true
      return try makeObject(line)
    }
    cancelRoutines()
    let opened = try supervision.open(info)
    let line = try UIOLine(
      opened.device, strategy: settings.rearm, configuration: opened.configuration)
    self.line = line
    isContinued = opened.isContinued
    regions = DeviceRegions(opened.device)
    try makeObject(line, taken: opened.taken)
  }

  /// - Parameter taken: interrupts that are to be counted and were not.
  /// - Throws: `resourcesExhausted` when there is no thread for its group.
  private func makeObject(_ source: (any InterruptSource)?, taken: UInt32 = 0) throws {
    guard object == nil, let source else { return }
    let settings = settings
    var dispatcher = settings.dispatcher
    if let policy { dispatcher.policy = policy }
    let group = try settings.dispatcherGroup.map {
      try groups.group($0, dispatcher, report: reports)
    }
    let options = InterruptSyncOptions(
      storm: settings.storm, repeatLimit: settings.repeatLimit,
      acceptsAnySuccess: settings.acceptsAnySuccess,
      connectsWithoutRoutines: settings.connectsWithoutRoutines, dispatcher: dispatcher,
      group: group, report: reports)
    let object = InterruptSyncObject(
      source: source, mode: mode ?? settings.mode, lock: lock, name: id, options: options)
    var totals = carried.dispatches > 0 ? carried : supervision.totals(of: id) ?? carried
    totals.interrupts &+= UInt64(taken)
    object.restoreStatistics(totals)
    self.object = object
  }

  /// Drops the object, so that the next connect makes one of other settings. Its counts go on;
  /// whoever watches it has to watch anew.
  func remakeObject() {
    disconnect()
    cancelRoutines()
    carried = statistics
    carried.routines = []
    endSubscriptions()
    object = nil
  }

  func cancelRoutines() {
    for routine in routines { routine.registration.cancel() }
    routines = []
    unsafe object?.setCaptured(nil, count: 0)
    captures = []
    // Once none of its routines can run: then its code may go.
    for driver in drivers.reversed() { driver.stop() }
    drivers = []
  }

  /// Registers what the configuration says, in place of what is registered.
  private func register() throws {
    guard let object else { return }
    cancelRoutines()
    guard let configuration else {
      throw UIOError(
        .malformed, device: id, operation: "connect", cause: "no file says how it is serviced",
        hint: "write a .device file, interruptsync.device(5), or attach it")
    }
    try refuseEndlessInterrupt(configuration.routines)
    do {
      for (index, routine) in configuration.routines.enumerated() {
        let name = routine.name ?? "routine-\(index + 1)"
        switch routine.action {
        case .recipe(let recipe): try add(recipe, name, to: object)
        case .driver(let path, let arguments): try add(path, arguments, name, to: object)
        }
      }
    } catch {
      // A driver must not stay at work on a device that is not serviced.
      cancelRoutines()
      throw error
    }
    if isSoftware, configuration.routines.isEmpty {
      routines.append(
        ("software", try object.registerServiceRoutine { NTStatus.success }))
    }
  }

  private func add(_ recipe: Recipe, _ name: String, to object: InterruptSyncObject) throws {
    guard let regions else {
      throw UIOError(
        .noSuchRegion, device: id, operation: "prepare the recipe",
        cause: "a software line has no registers")
    }
    let routine = try RecipeRoutine(recipe, in: regions)
    let registration = try object.registerServiceRoutine { routine.service() }
    routines.append((name, registration))
    unsafe capture(recipe.captures.map(\.name), routine.captured)
  }

  private func add(
    _ path: String, _ arguments: [String], _ name: String, to object: InterruptSyncObject
  ) throws {
    let driver = try HostedDriver(
      DriverFile(path), arguments: arguments, device: id, routine: name, object: object,
      regions: regions)
    drivers.append(driver)
    routines.append((name, try driver.register()))
    unsafe capture(driver.captures, driver.captured)
  }

  /// Events carry what one routine captures: the first that does.
  private func capture(_ names: [String], _ values: UnsafeMutablePointer<UInt64>) {
    guard captures.isEmpty, !names.isEmpty else { return }
    captures = names
    unsafe object?.setCaptured(values, count: names.count)
  }

  /// A PCI line is level: serviced by nothing it would fire for ever, and be claimed each time.
  private func refuseEndlessInterrupt(_ routines: [RoutineSettings]) throws(UIOError) {
    guard line?.strategy == .pciCommand,
      routines.contains(where: { $0.action == .recipe(Recipe()) })
    else { return }
    throw UIOError(
      .malformed, device: id, operation: "serve the device",
      cause:
        "a PCI interrupt stays asserted until the device is told that it was serviced, and nothing says how",
      hint:
        "give --claim bar0:OFFSET/WIDTH and --acknowledge bar0:OFFSET/WIDTH=claimed from its data sheet, or Claim= and Acknowledge= in its file"
    )
  }
}
