// Connecting and disconnecting a device as its configuration says.
import CUIO
import InterruptSync
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
  func close() {
    disconnect()
    cancelRoutines()
    line = nil
    regions = nil
  }

  func connectObject() throws {
    guard let object else { return }
    if let line { try object.connect(to: line) } else { try object.connect() }
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
    if let line, line.device.info == info, line.device.isAlive { return try makeObject(line) }
    cancelRoutines()
    let device = try UIODevice(info)
    let line = try UIOLine(device, strategy: settings.rearm)
    self.line = line
    regions = DeviceRegions(device)
    try makeObject(line)
  }

  private func makeObject(_ source: (any InterruptSource)?) throws {
    guard object == nil, let source else { return }
    let settings = settings
    var dispatcher = settings.dispatcher
    if let policy { dispatcher.policy = policy }
    let options = InterruptSyncOptions(
      storm: settings.storm, repeatLimit: settings.repeatLimit,
      acceptsAnySuccess: settings.acceptsAnySuccess,
      connectsWithoutRoutines: settings.connectsWithoutRoutines, dispatcher: dispatcher,
      report: reports)
    object = InterruptSyncObject(
      source: source, mode: mode ?? settings.mode, lock: lock, name: id, options: options)
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
    let recipes = try configuration.routines.map { try recipe($0) }
    try refuseEndlessInterrupt(recipes.map(\.recipe))
    for (index, routine) in recipes.enumerated() {
      try add(routine.recipe, routine.name ?? "routine-\(index + 1)", to: object)
    }
    if isSoftware, recipes.isEmpty {
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
    // Events carry what one routine captures: the first that does.
    guard captures.isEmpty, !recipe.captures.isEmpty else { return }
    captures = recipe.captures.map(\.name)
    unsafe object.setCaptured(routine.captured, count: captures.count)
  }

  private func recipe(_ routine: RoutineSettings) throws(UIOError) -> (
    name: String?, recipe: Recipe
  ) {
    guard case .recipe(let recipe) = routine.action else {
      throw UIOError(
        .malformed, device: id, operation: "connect", cause: "Driver= is not part of this version",
        hint: "service the device by Claim= and Acknowledge=")
    }
    return (routine.name, recipe)
  }

  /// A PCI line is level: serviced by nothing it would fire for ever, and be claimed each time.
  private func refuseEndlessInterrupt(_ recipes: [Recipe]) throws(UIOError) {
    guard line?.strategy == .pciCommand,
      recipes.contains(where: {
        $0.claim == nil && $0.captures.isEmpty && $0.acknowledgements.isEmpty
      })
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
