// Devices room. Every device and software line that the daemon knows: which devices come and go,
// and who observes that. Service makes it and passes on arrivals, removals and reports; clients'
// methods look devices up, and observe it by closures: it knows no client. What the configuration
// says of each device is in DeviceRegistry+Configuration.swift. Control thread, with no lock held;
// what disconnects a device takes its interrupt lock, so it goes through `whenResponsive`.
import CUIO
import DeviceInventory
import InterruptSync
import LinuxSystem
import UIO

/// The daemon's devices, by stable id.
final class DeviceRegistry {
  enum Change: String { case added, changed, removed }

  var devices: [ManagedDevice] = [] { didSet { places = nil } }
  /// The same by id, for clients; nil: to be made again.
  private var places: [String: ManagedDevice]?
  /// Devices of the command line. They take precedence over every file.
  let named: [DeviceConfiguration]
  var files: ConfigurationSet?
  var locks: [String: InterruptLock] = [:]
  let groups = DispatcherGroups()
  /// Devices that clients disconnected.
  var disconnected: Set<String> = []
  let opener: DeviceOpener
  let journal: Journal
  let report: @Sendable (DeviceReport) -> Void
  private var observers: [Int: (Change, ManagedDevice) -> Void] = [:]
  private var lastObserver = 0

  /// - Parameter report: called by dispatchers, from their threads.
  init(
    named: [DeviceConfiguration], files: ConfigurationSet?, opener: DeviceOpener, journal: Journal,
    report: @escaping @Sendable (DeviceReport) -> Void
  ) {
    self.named = named
    self.files = files
    self.opener = opener
    self.journal = journal
    self.report = report
  }

  /// The device that `text` means: id, node or name. Nil if there is none, or several have the name.
  func device(_ text: String) -> ManagedDevice? {
    if let exact = identified(text) { return exact }
    let called = devices.filter { $0.isCalled(text) }
    return called.count == 1 ? called[0] : nil
  }

  private func identified(_ id: String) -> ManagedDevice? {
    let places = places ?? Dictionary(devices.map { ($0.id, $0) }) { first, _ in first }
    self.places = places
    return places[id]
  }

  /// Every device as it is now.
  var snapshot: [DeviceSnapshot] { devices.map(\.snapshot) }

  /// Ends the present window of every line's histograms, and begins the next.
  func turnHistogramWindows() {
    for device in devices { device.object?.turnHistogramWindow() }
  }

  // MARK: Observing

  func observe(_ body: @escaping (Change, ManagedDevice) -> Void) -> Int {
    lastObserver += 1
    observers[lastObserver] = body
    return lastObserver
  }

  func endObserving(_ observer: Int) { observers[observer] = nil }

  func notify(_ change: Change, _ device: ManagedDevice) {
    // A notification may end another observer.
    for observer in observers.keys.sorted() { observers[observer]?(change, device) }
  }

  // MARK: Coming

  /// Adds the devices that are present at the start, and connects those that are configured.
  /// - Throws: if a device of the command line is absent or cannot be serviced.
  func begin() throws {
    addSoftwareLines()
    for info in UIODeviceInfo.all(opener.sysfs) { arrived(ManagedDeviceInfo(info)) }
    for function in VFIODeviceInfo.all(opener.sysfs) { arrived(function) }
    opener.functions.settle()
    for configuration in named {
      let found = devices.filter { $0.info?.isNamed(configuration.id, opener.sysfs) ?? false }
      if let failure = found.lazy.compactMap(\.failure).first {
        throw StartFailure(failure: failure)
      }
      if found.isEmpty { _ = try UIODeviceInfo.find(configuration.id, sysfs: opener.sysfs) }
    }
  }

  /// Why a device of the command line is not serviced.
  struct StartFailure: Error, CustomStringConvertible {
    let failure: Failure
    var description: String { failure.text }
  }

  func arrived(_ info: ManagedDeviceInfo) {
    guard let known = devices.first(where: { $0.id == info.id }) else {
      return add(made(info.id, info, configuration(for: info)))
    }
    // The one before has gone unnoticed, or shares its id: then neither is serviced (fact 59).
    let isAnother = known.info?.isAnother(than: info) ?? false
    known.info = info
    known.whenResponsive { [unowned self, unowned known] in
      if isAnother { retire(known) }
      if known.info == info { isBack(known, info) }
    }
  }

  private func isBack(_ known: ManagedDevice, _ info: ManagedDeviceInfo) {
    // Another device may have come to the same id, and another file may be for it.
    let wanted = configuration(for: info)
    if !known.isAttached, known.configuration != wanted?.configuration {
      replace(known, wanted, info)
    } else {
      serve(known)
      notify(.changed, known)
    }
  }

  func add(_ device: ManagedDevice) {
    devices.append(device)
    // Even if nothing services it yet: the daemon could not open it again later.
    if let info = device.info?.uio { opener.restoreAdopted(info) }
    if device.configuration == nil, files?.devices.isEmpty == false {
      journal.log(
        .info, "\(device.id): not configured: no .device file matches", device: device.id)
    }
    serve(device)
    // A function has been replaced by its vectors if it could be opened.
    if devices.contains(where: { $0 === device }) { notify(.added, device) }
  }

  /// Connects a device that should be serviced and can be.
  /// - Returns: why it could not; nil also while its function is being opened.
  @discardableResult
  func serve(_ device: ManagedDevice) -> (any Error)? {
    guard device.isWanted, !device.isAttached, !device.isConnected,
      device.info != nil || device.isSoftware
    else { return nil }
    let isBack = device.object != nil
    var failure: (any Error)?
    var isLater = false
    // The caller notifies of what happens at once.
    defer { isLater = true }
    connect(device) { [unowned self] error in
      failure = error
      // Its vectors or another configuration have taken its place.
      guard devices.contains(where: { $0 === device }) else { return }
      defer { if isLater { notify(.changed, device) } }
      if let error {
        journal.log(LogRecord(Failure(error), event: .deviceFailed, device: device.id))
      } else if device.isConnected {
        connected(device, isBack)
      }
    }
    return failure
  }

  private func connected(_ device: ManagedDevice, _ isBack: Bool) {
    let interrupts = device.statistics.interrupts
    let isContinued = device.isContinued && !isBack
    let how =
      isContinued
      ? ", continuing from \(counted(interrupts, "interrupt"))" : isBack ? " again" : ""
    journal.log(
      LogRecord(
        .info, "\(device.id): connected\(how)",
        event: isContinued ? .deviceContinued : .deviceConnected, device: device.id,
        interrupts: interrupts))
    warnOfRecipes(device)
  }

  private func warnOfRecipes(_ device: ManagedDevice) {
    for routine in device.unsilenced {
      journal.log(
        LogRecord(
          .warning,
          "\(device.id): the routine \(routine) claims on a level-triggered line and acknowledges nothing",
          hint: "add Acknowledge= to it, unless reading a register silences the device",
          event: .neverSilenced, device: device.id))
    }
  }

  // MARK: Going

  // An unplugged device is reported twice, in either order: its dispatcher reads the line's end, and
  // udev reports that the node was removed. Both end in `forget`, as does every device that is
  // replaced or no longer configured.

  /// A dispatcher reported something about a device; the line may have ended with it.
  func reported(_ device: ManagedDevice, _ report: InterruptReport) {
    if device.object?.state == .ended, case .failed(let error) = report {
      device.failure = Failure(error)
    }
    // The state, not the report: by now the device may be back, with descriptors stored under the
    // same name; or it was only disconnected, at the daemon's end, and the descriptors must stay.
    if device.object?.state == .ended, !device.isSoftware { forget(device) }
    notify(.changed, device)
  }

  /// udev reported that a node was removed.
  func removed(number: Int) {
    guard let device = devices.first(where: { $0.info?.number == number }) else { return }
    isAbsent(device)
  }

  func isAbsent(_ device: ManagedDevice) {
    device.info = nil
    device.whenResponsive { [unowned self, unowned device] in isGone(device) }
  }

  private func isGone(_ device: ManagedDevice) {
    retire(device)
    // By now it may be back.
    if device.isWanted || device.info != nil {
      notify(.changed, device)
    } else {
      drop(device)
    }
  }

  /// Closes a device and has the service manager close its copies.
  func retire(_ device: ManagedDevice) {
    device.revokeAttachment()
    let wasOpen = device.line != nil
    device.close()
    if wasOpen || device.info == nil, !device.isSoftware { forget(device) }
  }

  private func forget(_ device: ManagedDevice) {
    opener.forget(device.id)
    if device.info == nil { opener.releaseAdopted(device.id) }
  }

  func drop(_ device: ManagedDevice) {
    devices.removeAll { $0 === device }
    notify(.removed, device)
  }

  /// Has every line count on after the daemon's end: the service manager keeps the descriptors, and without one the
  /// kernel ends it with the process.
  func outlive() { for device in devices { device.line?.outlive() } }

  /// Closes everything and leaves the lines masked. The service manager keeps its copies. After
  /// `disconnectAll`, and only if no routine hangs.
  func end() {
    for device in devices {
      device.revokeAttachment()
      device.close()
    }
  }
}
