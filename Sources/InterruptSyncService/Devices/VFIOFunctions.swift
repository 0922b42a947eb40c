// Devices room. The functions of VFIO that the daemon has open. DeviceRegistry, DeviceOpener,
// Service and clients' methods call it on the control thread; no lock is held. The opener's thread
// (OpeningThread) opens them, and leaves the result under a monitor; it and the library's thread
// `vfio notices` call `report`.
import DeviceIdentity
import Glibc
import LinuxSystem
import UIO
import VFIO

/// News of a function of VFIO that no line reports, on its way to the control thread.
struct FunctionReport: Sendable {
  enum Event: Sendable {
    case reported(VFIOReport)
    /// An opening has ended: `VFIOFunctions.finish` knows how.
    case opened
  }

  /// Its stable id.
  let function: String
  let event: Event
}

/// The functions of VFIO that are open: one device each, which all lines of its vectors share. It is closed with the
/// last of them. A thread opens and closes them.
final class VFIOFunctions {
  /// An open function, and its registers.
  struct Opened {
    let device: VFIODevice
    let regions: DeviceRegions

    init(_ device: VFIODevice, _ regions: DeviceRegions) {
      self.device = device
      self.regions = regions
    }
  }

  typealias Answer = (Result<Opened, UIOError>) -> Void

  private struct Entry {
    weak var device: VFIODevice?
    weak var regions: DeviceRegions?
    /// Of an earlier process, by vector: those whose lines are not open yet.
    var events: [Int: FileDescriptor]
  }

  /// A function that is being opened, and who waits for it.
  private struct Opening {
    let function: VFIODeviceInfo
    var waiting: [(settings: DeviceSettings, answer: Answer)]
  }

  /// How an opening ended, on its way from the thread.
  private struct Ended: Sendable {
    let address: PCIAddress
    let isContinuing: Bool
    let result: Result<VFIODevice, UIOError>
  }

  private let manager: ServiceManagerBridge
  private let kernel: any VFIOKernel
  private let sysfs: Sysfs
  private let report: @Sendable (FunctionReport) -> Void
  private var opened: [PCIAddress: Entry] = [:]
  /// The functions of which the manager has descriptors, by id.
  private var stored: Set<String> = []
  private var openings: [PCIAddress: Opening] = [:]
  /// Closures that run once nothing is being opened.
  private var settled: [() -> Void] = []
  /// Started with the first opening.
  private var thread: OpeningThread?
  private let ended = Mailslot()

  /// Openings that the control thread has not seen ended.
  private final class Mailslot: @unchecked Sendable {
    private let monitor = Monitor()
    /// Guarded by `monitor`.
    private var content: [Ended] = []

    func put(_ ended: Ended) { monitor.locked { content.append(ended) } }

    func take() -> [Ended] {
      monitor.locked {
        defer { content = [] }
        return content
      }
    }
  }

  /// - Parameters:
  ///   - kernel: tests pass their own.
  ///   - report: called from a thread of the library's, or from the one that opens.
  init(
    _ manager: ServiceManagerBridge, kernel: any VFIOKernel = SystemVFIO(),
    sysfs: Sysfs = .system, report: @escaping @Sendable (FunctionReport) -> Void
  ) {
    self.manager = manager
    self.kernel = kernel
    self.sysfs = sysfs
    self.report = report
  }

  // MARK: Opening

  /// Finds a function open, goes on with one that an earlier process had open, or opens it. It stays open while
  /// `answer` runs, and for as long as a line or a region of it.
  /// - Parameter answer: called on the control thread: at once where the function is open, otherwise when the thread
  ///   has opened it. Gets what opening throws; `busy` while lines of another kind of interrupt are in use.
  func whenOpen(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings, _ answer: @escaping Answer
  ) {
    let address = function.pci.address
    if let known = known(function, settings) { return answer(known) }
    guard openings[address] == nil else {
      openings[address]?.waiting.append((settings, answer))
      return
    }
    openings[address] = Opening(function: function, waiting: [(settings, answer)])
    begin(function, settings, inherited(function))
  }

  /// Calls `body` once no function is being opened.
  func whenSettled(_ body: @escaping () -> Void) {
    guard !openings.isEmpty else { return body() }
    settled.append(body)
  }

  /// Waits until no function is being opened or closed. For the start, when the daemon serves no one else.
  func settle() {
    repeat {
      thread?.drain()
      finish()
    } while !openings.isEmpty
    thread?.drain()
  }

  /// Answers the callers that wait for functions which the thread has opened, or could not open.
  func finish() {
    for ended in ended.take() {
      guard let opening = openings[ended.address] else { continue }
      switch ended.result {
      case .success(let device):
        openings[ended.address] = nil
        answer(opening, accept(device, opening.function, ended.isContinuing))
      case .failure where ended.isContinuing:
        begin(opening.function, opening.waiting[0].settings, nil)
      case .failure(let error):
        openings[ended.address] = nil
        for (_, answer) in opening.waiting { answer(.failure(error)) }
      }
    }
    guard openings.isEmpty else { return }
    let bodies = settled
    settled = []
    for body in bodies { body() }
  }

  private func answer(_ opening: Opening, _ opened: Opened) {
    for (settings, answer) in opening.waiting {
      answer(known(opening.function, settings) ?? .failure(opened.device.returned("connect")))
    }
  }

  /// The function if it is open.
  private func known(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings
  ) -> Result<Opened, UIOError>? {
    guard let known = opened[function.pci.address], let device = known.device, device.isAlive
    else { return nil }
    guard settings.interrupt == nil || settings.interrupt == device.interrupt else {
      return .failure(
        UIOError(
          .busy, device: function.stableID, operation: "open",
          cause: "its lines of \(device.interrupt.rawValue) are in use",
          hint: "disconnect them and connect again", errno: EBUSY))
    }
    return .success(Opened(device, known.regions ?? remember(device, known.events)))
  }

  /// Has the thread open it.
  /// - Parameter kept: goes on with what an earlier process had open.
  private func begin(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings, _ kept: VFIODescriptors?
  ) {
    let (id, address) = (function.stableID, function.pci.address)
    // As long as the manager has the function open, the kernel says that it is busy.
    let hadCopies = kept == nil && release(id)
    let (kernel, sysfs, interrupt) = (kernel, sysfs, settings.interrupt)
    let (report, ended) = (report, ended)
    let end = { @Sendable (result: Result<VFIODevice, UIOError>) in
      ended.put(Ended(address: address, isContinuing: kept != nil, result: result))
      report(FunctionReport(function: id, event: .opened))
    }
    let thread: OpeningThread
    do throws(UIOError) { thread = try startedThread(id) } catch { return end(.failure(error)) }
    let make = { @Sendable () throws(UIOError) -> VFIODevice in
      let device = try VFIODevice(
        address, interrupt, sysfs, kernel,
        { report(FunctionReport(function: id, event: .reported($0))) }, continuing: kept,
        closing: thread.closer)
      if kept == nil || device.interrupt != kept?.enabled { try device.enableVectors() }
      return device
    }
    thread.run { end(Self.attempt(patiently: hadCopies, make)) }
  }

  private func startedThread(_ id: String) throws(UIOError) -> OpeningThread {
    if let thread { return thread }
    do throws(SystemError) {
      let thread = try OpeningThread()
      self.thread = thread
      return thread
    } catch {
      throw UIOError(
        .resourcesExhausted, device: id, operation: "open",
        cause: "cannot start the thread that opens it",
        hint: "raise the limit of threads or memory (systemd: TasksMax=, MemoryMax=)",
        errno: error.number)
    }
  }

  /// Opens it; again and again for a while if others were asked to close it. On the thread.
  private static func attempt(
    patiently: Bool, _ make: () throws(UIOError) -> VFIODevice
  ) -> Result<VFIODevice, UIOError> {
    var left = patiently ? 200 : 0
    while true {
      do throws(UIOError) { return .success(try make()) } catch {
        guard left > 0, error.code == .busy else { return .failure(error) }
        left -= 1
        usleep(10_000)
      }
    }
  }

  /// Takes over a function that the thread has opened.
  private func accept(
    _ device: VFIODevice, _ function: VFIODeviceInfo, _ isContinued: Bool
  ) -> Opened {
    if !isContinued { store(device, function.stableID) }
    let events = isContinued ? inheritedEvents(function, device) : [:]
    return Opened(device, remember(device, events))
  }

  private func remember(
    _ device: VFIODevice, _ events: [Int: FileDescriptor]
  ) -> DeviceRegions {
    let regions = DeviceRegions(device)
    opened[device.address] = Entry(device: device, regions: regions, events: events)
    return regions
  }

  /// Opens the line of a vector of an open function, with bus mastering as its file says. Messages turn it on in any
  /// case when they are connected (V20).
  /// - Throws: `removed` where the function is not open, `noInterrupt` where it has no such vector.
  func line(
    _ function: VFIODeviceInfo, _ vector: Int, _ settings: DeviceSettings
  ) throws(UIOError) -> OpenedLine {
    guard let open = try known(function, settings)?.get() else {
      throw UIOError(
        .removed, device: function.stableID, operation: "connect",
        cause: "the function is not open", hint: "connect it again", errno: ENODEV)
    }
    let event = opened[function.pci.address]?.events.removeValue(forKey: vector)
    let line = try VFIOLine(open.device, vector: vector, continuing: event)
    if settings.isBusMaster { try open.device.setBusMaster(true) }
    guard event != nil else { return OpenedLine(line: line, regions: open.regions) }
    let id = ManagedDeviceInfo(function, open.device.interrupt, vector).id
    let saved = manager.count(of: id) ?? 0
    let reached = line.readCount(sysfs) ?? saved
    // What the earlier process read after it had saved. A count below that is of another life of the device.
    let taken = manager.count(of: id) == nil ? 0 : max(0, Int32(bitPattern: reached &- saved))
    return OpenedLine(
      line: line, regions: open.regions, taken: UInt32(taken), reached: reached, isContinued: true)
  }

  // MARK: Restarts

  /// What an earlier process had open.
  private func inherited(_ function: VFIODeviceInfo) -> VFIODescriptors? {
    let id = function.stableID
    func taken(_ part: StoredName.FunctionPart) -> FileDescriptor? {
      let file = StoredName.function(part, id).flatMap { manager.takeInherited($0).first }
      if file != nil { stored.insert(id) }
      return file
    }
    let (device, group, container) = (taken(.device), taken(.group), taken(.container))
    guard let device, let group, let container else { return nil }
    return VFIODescriptors(
      device: device, group: group, container: container, enabled: enabledKind(function))
  }

  /// Vectors are enabled before the first eventfd is stored.
  private func enabledKind(_ function: VFIODeviceInfo) -> VFIOInterrupt? {
    // In this order, as the one name begins with the other.
    [.msix, .msi, .intx].first {
      StoredName.vector("\(function.stableID)/\($0.rawValue)").map(manager.hasInherited(from:))
        ?? false
    }
  }

  private func inheritedEvents(
    _ function: VFIODeviceInfo, _ device: VFIODevice
  ) -> [Int: FileDescriptor] {
    var events: [Int: FileDescriptor] = [:]
    for vector in 0..<device.vectorCount {
      let id = ManagedDeviceInfo(function, device.interrupt, vector).id
      events[vector] = StoredName.vector(id).flatMap { manager.takeInherited($0).first }
    }
    return events
  }

  private func store(_ device: VFIODevice, _ id: String) {
    stored.insert(id)
    let descriptors = device.descriptors
    let files = [descriptors.device, descriptors.group, descriptors.container]
    for (part, file) in zip(StoredName.FunctionPart.allCases, files) {
      if let name = StoredName.function(part, id) { manager.store(file, as: name, of: id) }
    }
  }

  /// Has the service manager keep a vector's count, before its first interrupt.
  func keep(_ line: VFIOLine, isContinued: Bool) {
    let kind = line.device.interrupt
    let vector = kind == .intx ? "intx" : "\(kind.rawValue)\(line.vector)"
    let id = "\(line.device)/\(vector)"
    guard !isContinued, let name = StoredName.vector(id) else { return }
    manager.remove(name)
    manager.store(line.event, as: name, of: id)
  }

  /// Has the service manager close the descriptors of functions that are no longer open here: as long as it has them,
  /// the host waits for the device.
  func releaseClosed() {
    for (address, entry) in opened where entry.device?.isReturned ?? true {
      opened[address] = nil
      release("pci-\(address)")
    }
  }

  /// - Returns: whether the manager had any.
  @discardableResult
  private func release(_ id: String) -> Bool {
    guard stored.remove(id) != nil else { return false }
    for part in StoredName.FunctionPart.allCases {
      if let name = StoredName.function(part, id) { manager.remove(name) }
    }
    return true
  }
}
