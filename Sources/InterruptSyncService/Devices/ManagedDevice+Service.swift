// Devices room. Connecting and disconnecting a device as its configuration says: open, make the
// object, register the routines, connect; and back. DeviceRegistry, Attachment and clients' methods
// call it on the control thread, with no lock held. It takes the device's interrupt lock for
// moments: ask `isResponsive` first. A service routine that is registered here runs on the
// dispatcher's thread under the interrupt lock.
import CUIO
import InterruptSync
import LinuxSystem
import Synchronization
import UIO

extension ManagedDevice {
  /// The routine of a software line whose file has none.
  private static let softwareRoutine = "software"

  private var settings: DeviceSettings { configuration?.settings ?? DeviceSettings() }

  // MARK: Connecting

  /// Opens, prepares and connects. An object that exists keeps its statistics and its list.
  /// - Throws: `UIOError` and `InterruptSyncError`, each naming the device.
  func connect() throws {
    guard !isConnected else { return }
    do {
      try requireResponsive("connect")
      try open()
      try register()
      try connectObject()
      failure = nil
    } catch {
      failure = Failure(error)
      throw error
    }
  }

  /// Masks the line and drains. The device stays known, and open. Where a routine may hang, look at
  /// `isResponsive` first.
  func disconnect() {
    try? object?.disconnect()
    failure = nil
  }

  /// Closes the device: its descriptor closes with the last part of it that is in use. The service
  /// manager's copies stay.
  func close() {
    disconnect()
    if let totals { opener.save(totals) }
    cancelRoutines()
    line = nil
    regions = nil
  }

  /// Takes over descriptors of the device, which is present and not open, for the next connect.
  /// - Throws: if they are not the device's; nothing has changed then.
  func adopt(
    node: FileDescriptor, configuration: FileDescriptor?, of info: UIODeviceInfo
  ) throws(AdoptionError) {
    let count = try opener.adopt(node: node, configuration: configuration, of: info)
    guard let object else { return }
    countBase = count &- UInt32(truncatingIfNeeded: object.statistics().interrupts)
  }

  /// Connects the object. The service manager stores the descriptors first, so that from the first
  /// interrupt on none is lost with the process.
  func connectObject() throws {
    guard let object else { return }
    guard let line else { return try object.connect() }
    if let count = line.kernelCount { go(onFrom: count) }
    if let totals { opener.keep(totals, line, isContinued: isContinued) }
    do { try object.connect(to: line) } catch {
      opener.forget(id)
      throw error
    }
  }

  /// The kernel has counted so many of the interrupts that the object has.
  private func go(onFrom count: UInt32) {
    countBase = count &- UInt32(truncatingIfNeeded: statistics.interrupts)
  }

  /// Opens the device that is present, unless that instance is open already.
  func open() throws {
    guard !isSoftware else { return try makeObject(software) }
    guard let info else {
      throw UIOError(
        .removed, device: id, operation: "connect", cause: "the device is absent",
        hint: "the daemon connects it when it comes back")
    }
    if let line, line.isOpen(for: info) {
      isContinued = true
      return try makeObject(line)
    }
    cancelRoutines()
    let opened = try opener.line(info, settings)
    line = opened.line
    isContinued = opened.isContinued
    regions = opened.regions
    try makeObject(opened.line, taken: opened.taken)
    if opened.line.kernelCount == nil { go(onFrom: opened.reached) }
  }

  // MARK: The object

  /// - Parameter taken: interrupts that an earlier process took and did not count.
  /// - Throws: `resourcesExhausted` if its group's thread cannot be created.
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
      group: group, histograms: true, report: reports)
    let object = InterruptSyncObject(
      source: source, mode: mode ?? settings.mode, lock: lock, name: id, options: options)
    var totals = carried.dispatches > 0 ? carried : opener.totals(of: id) ?? carried
    totals.interrupts &+= UInt64(taken)
    object.restoreStatistics(totals)
    self.object = object
  }

  /// Drops the object, so that the next connect makes one with other settings. Its counts continue.
  /// Observers of the old object must subscribe again.
  func remakeObject() {
    disconnect()
    cancelRoutines()
    carried = statistics
    endSubscriptions()
    object = nil
  }

  /// Drops the object, and with it the line, although others may still refer to the device.
  func releaseObject() {
    carried = statistics
    endSubscriptions()
    object = nil
  }

  // MARK: Routines

  func cancelRoutines() {
    for (name, registration) in routines {
      // Its last call is counted once it is out of the list.
      registration.cancel()
      routineCounts[name] = counts(of: name, registration)
    }
    routines = []
    unsafe object?.setCaptured(nil, count: 0)
    captures = []
    // After the routines: a driver's code may go once none of its routines can run.
    for driver in drivers.reversed() { driver.stop() }
    drivers = []
  }

  /// What the configuration has, by the names that clients see.
  private var configuredRoutines: [(name: String, routine: RoutineSettings)] {
    (configuration?.routines ?? []).enumerated().map { index, routine in
      (routine.name ?? "routine-\(index + 1)", routine)
    }
  }

  /// Registers what the configuration says and cancels what was registered before.
  private func register() throws {
    guard let object else { return }
    cancelRoutines()
    // Names that reloads took away must not add up.
    let names = configuredRoutines.map(\.name) + [Attachment.routineName, Self.softwareRoutine]
    routineCounts = routineCounts.filter { names.contains($0.key) }
    guard let configuration else {
      throw UIOError(
        .malformed, device: id, operation: "connect", cause: "no .device file configures it",
        hint: "write one, see interruptsync.device(5), or attach the device")
    }
    try refuseEndlessInterrupt(configuration.routines)
    do {
      for (name, routine) in configuredRoutines {
        switch routine.action {
        case .recipe(let recipe): try add(recipe, name, to: object)
        case .driver(let path, let arguments): try add(path, arguments, name, to: object)
        }
      }
    } catch {
      // A driver must not keep running on a device that is not serviced.
      cancelRoutines()
      throw error
    }
    if isSoftware, configuration.routines.isEmpty {
      routines.append(
        (Self.softwareRoutine, try object.registerServiceRoutine { NTStatus.success }))
    }
  }

  private func add(_ recipe: Recipe, _ name: String, to object: InterruptSyncObject) throws {
    guard let regions else {
      throw UIOError(
        .noSuchRegion, device: id, operation: "prepare the recipe",
        cause: "a software line has no registers",
        hint:
          "leave Claim=, Acknowledge= and Capture= out of its file, or name a device with registers"
      )
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

  /// Events carry the captures of one routine: the first that has any.
  private func capture(_ names: [String], _ values: UnsafeMutablePointer<UInt64>) {
    guard captures.isEmpty, !names.isEmpty else { return }
    captures = names
    unsafe object?.setCaptured(values, count: names.count)
  }

  /// The routines that claim on a line that is masked between interrupts, and so is level-triggered,
  /// and write nothing. Reading a register may silence the device; otherwise it interrupts without
  /// end.
  var unsilenced: [String] {
    guard let line, line.rearmName != RearmStrategy.none.rawValue else { return [] }
    return configuredRoutines.compactMap { name, routine in
      guard case .recipe(let recipe) = routine.action, recipe.acknowledgements.isEmpty else {
        return nil
      }
      return name
    }
  }

  /// If no routine silences a device whose line is level-triggered, it fires without end, and the empty
  /// recipe claims every time.
  private func refuseEndlessInterrupt(_ routines: [RoutineSettings]) throws(UIOError) {
    guard line?.isLevelTriggered == true,
      routines.contains(where: { $0.action == .recipe(Recipe()) })
    else { return }
    throw UIOError(
      .malformed, device: id, operation: "serve the device",
      cause:
        "a PCI interrupt stays asserted until a routine acknowledges it, and no routine does",
      hint:
        "give --claim bar0:OFFSET/WIDTH and --acknowledge bar0:OFFSET/WIDTH=claimed from its data sheet, or Claim= and Acknowledge= in its file"
    )
  }
}
