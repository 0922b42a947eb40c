// Floor 6. The daemon's interface for Swift programs, which call it, as interruptsyncctl does.
// Every call waits for its answer on the caller's thread; a client has no lock, and only one thread
// at a time may use it. Streams, rings and attachments have their own connections, and end when you
// release them.
import Glibc
import LinuxSystem
package import Varlink

/// A connection to interruptsyncd. Use it from one thread at a time; every call waits for its
/// answer.
///
/// Name a device by its stable id (`pci-0000:00:03.0`), node (`/dev/uio0`, `uio0`), uio name where
/// that is unique, or the name of a software line. What a client registers ends with its
/// connection unless it is persistent.
public final class InterruptSyncClient {
  /// Where the daemon listens: the environment variable INTERRUPTSYNC_ADDRESS, or
  /// `/run/interruptsync/io.interruptsync`.
  package static var defaultAddress: String {
    if let address = unsafe getenv("INTERRUPTSYNC_ADDRESS"), unsafe address.pointee != 0 {
      return unsafe String(cString: address)
    }
    return "/run/interruptsync/io.interruptsync"
  }

  private let place: DaemonPlace
  /// How long to wait for each answer; nil: without limit.
  private let timeout: Duration?
  let connection: DaemonConnection

  /// Connects.
  /// - Parameters:
  ///   - address: a path, `unix:PATH` or `unix:@NAME`; nil takes the environment variable
  ///     INTERRUPTSYNC_ADDRESS, or `/run/interruptsync/io.interruptsync`.
  ///   - timeout: for connecting and for each answer; nil waits without limit.
  /// - Throws: `notRunning`, `permissionDenied`, `timedOut`, `invalidArgument` for a malformed
  ///   address, `resourcesExhausted`.
  public convenience init(
    address: String? = nil, timeout: Duration? = .seconds(10)
  ) throws(InterruptSyncClientError) {
    try self.init(at: .socket(address ?? Self.defaultAddress), timeout: timeout)
  }

  /// Connects to a daemon that may be elsewhere.
  /// - Throws: as `init(address:timeout:)`; with a program `systemFailure` when that fails.
  package init(
    at place: DaemonPlace, timeout: Duration? = .seconds(10)
  ) throws(InterruptSyncClientError) {
    self.place = place
    self.timeout = timeout
    connection = try DaemonConnection(place, timeout: timeout)
  }

  /// The address of this connection, or the name of the place where the daemon is.
  package var address: String { place.name }

  /// The connection, for calls without this library's types.
  package var varlink: VarlinkClient { connection.client }

  /// Another connection to the same daemon.
  private func newConnection() throws(InterruptSyncClientError) -> DaemonConnection {
    try DaemonConnection(place, timeout: timeout)
  }

  /// The daemon's process, as the kernel knew it when the daemon began to listen.
  package var daemonProcess: Int32? { PeerCredentials(of: connection.client.socket.raw)?.process }
}

// MARK: Devices, statistics, metrics (the role observe)

extension InterruptSyncClient {
  /// Every device that the caller may observe. Their order is not defined.
  /// - Throws: `permissionDenied`, `disconnected`, `timedOut`, `protocolViolation`.
  public func listDevices() throws(InterruptSyncClientError) -> [Device] {
    try connection.call("ListDevices", operation: "list devices").reader.list(
      "devices", Device.init)
  }

  /// One device.
  /// - Throws: `noSuchDevice`, and as `listDevices`.
  public func describe(_ device: String) throws(InterruptSyncClientError) -> Device {
    let reply = try connection.call(
      "DescribeDevice", ["device": .string(device)], device: device, operation: "describe")
    return try Device(try reply.reader.reader("device"))
  }

  /// Reports devices from now on, over a connection of its own: first all that are present, then
  /// changes.
  /// - Throws: `notRunning`, and as `listDevices`.
  public func watchDevices() throws(InterruptSyncClientError) -> DeviceChanges {
    DeviceChanges(try newConnection().stream("WatchDevices", operation: "watch devices"))
  }

  /// The counters of every line.
  /// - Throws: as `listDevices`.
  public func statistics() throws(InterruptSyncClientError) -> [DeviceStatistics] {
    try statistics([:], device: nil)
  }

  /// The counters of one line.
  /// - Throws: `noSuchDevice`, and as `listDevices`.
  public func statistics(
    of device: String
  ) throws(InterruptSyncClientError) -> DeviceStatistics {
    let all = try statistics(["device": .string(device)], device: device)
    return try Self.only(all, of: device, operation: "get statistics")
  }

  /// The answer for one device.
  static func only<Answer>(
    _ all: [Answer], of device: String, operation: String
  ) throws(InterruptSyncClientError) -> Answer {
    guard let first = all.first, all.count == 1 else {
      throw InterruptSyncClientError(
        .protocolViolation, object: device, operation: operation,
        cause: "the daemon answered for \(all.count) devices",
        hint: "the daemon has another version: restart it after an upgrade")
    }
    return first
  }

  private func statistics(
    _ parameters: JSONObject, device: String?
  ) throws(InterruptSyncClientError) -> [DeviceStatistics] {
    try connection.call("GetStatistics", parameters, device: device, operation: "get statistics")
      .reader.list("statistics", DeviceStatistics.init)
  }

  /// The same counters and more, as OpenMetrics text.
  /// - Throws: as `listDevices`.
  public func metrics() throws(InterruptSyncClientError) -> String {
    try connection.call("GetMetrics", operation: "get metrics").reader.string("text")
  }
}

// MARK: Interrupts (the role observe)

extension InterruptSyncClient {
  /// Records every dispatch of a device from now on, through memory shared with the daemon. Use it
  /// when you need each dispatch, at any rate. It has a connection of its own.
  /// - Parameters:
  ///   - device: a device or a software line.
  ///   - capacity: records that the ring holds, 16 to 65,536.
  /// - Throws: `noSuchDevice`, `wrongState` when the device was never connected,
  ///   `invalidArgument`, `tooManyRegistrations`, `tooLarge` when the user's rings would take more
  ///   memory than the daemon allows, `systemFailure`, `notRunning`, `permissionDenied`,
  ///   `disconnected`, `timedOut`, `protocolViolation`, `resourcesExhausted`.
  public func subscribe(
    _ device: String, capacity: Int = 1024
  ) throws(InterruptSyncClientError) -> InterruptRing {
    let own = try newConnection()
    let (reader, descriptors) = try own.call(
      "Subscribe", ["device": .string(device), "capacity": .integer(Int64(capacity))],
      device: device, operation: "subscribe")
    return try InterruptRing(
      device: device, memory: try reader.descriptor("ring", descriptors),
      event: try reader.descriptor("event", descriptors),
      captures: try reader.strings("captures"), connection: own)
  }

  /// Reports a device's interrupts from now on, merged when they come fast. Use it when you need
  /// to know that interrupts came, but not each in time. It has a connection of its own.
  /// - Throws: `notRunning`, `permissionDenied`, `timedOut`, `resourcesExhausted`; the first
  ///   `next` throws the daemon's objections.
  public func events(_ device: String) throws(InterruptSyncClientError) -> InterruptSummaries {
    InterruptSummaries(
      try newConnection().stream(
        "Events", ["device": .string(device)], device: device, operation: "watch"))
  }
}

// MARK: Registers and attachments (the role control)

extension InterruptSyncClient {
  /// Runs operations as one synchronized routine of a device. The daemon checks all of them before
  /// the first touches anything.
  /// - Returns: a result for each operation.
  /// - Throws: `noSuchDevice`, `wrongState` when the device is not serviced, `busy`,
  ///   `badRegister`, `tooLarge`, `waitExpired`, `deviceGone`, `systemFailure`,
  ///   `permissionDenied`, `disconnected`, `timedOut`, `protocolViolation`.
  public func transact(
    _ device: String, _ operations: [RegisterOperation]
  ) throws(InterruptSyncClientError) -> [UInt64] {
    try connection.transact(device, operations)
  }

  /// Takes over a device: the daemon suspends the device's routines, and each interrupt waits,
  /// with the line masked, until the caller completes it. The attachment has a connection of its
  /// own, and ends with that connection.
  /// - Parameters:
  ///   - device: a device or software line, with a file or without.
  ///   - deadline: how long the caller may take from an interrupt to its completion; nil takes the
  ///     daemon's AttachDeadlineSec=.
  /// - Throws: `noSuchDevice`, `busy`, `wrongState`, `invalidArgument` for a deadline beyond the
  ///   daemon's, `tooManyRegistrations`, `systemFailure`, `notRunning`, `permissionDenied`,
  ///   `disconnected`, `timedOut`, `protocolViolation`.
  public func attach(
    _ device: String, deadline: Duration? = nil
  ) throws(InterruptSyncClientError) -> AttachedDevice {
    let own = try newConnection()
    var parameters: JSONObject = ["device": .string(device)]
    if let deadline { parameters["deadlineMicroseconds"] = JSON(deadline.nanoseconds / 1000) }
    let (reader, descriptors) = try own.call(
      "Attach", parameters, device: device, operation: "attach")
    return AttachedDevice(
      device, event: try reader.descriptor("event", descriptors), connection: own)
  }
}

// MARK: What the daemon services (the role control; admin where it says so)

extension InterruptSyncClient {
  /// Starts servicing a device as its file says.
  /// - Parameters:
  ///   - device: a device or a software line.
  ///   - persistent: false ends the service with this connection.
  /// - Throws: `noSuchDevice`, `notAllowed` without a file, `wrongState` when it is serviced
  ///   already, `busy`, `tooManyRegistrations`, `systemFailure`, `permissionDenied`,
  ///   `disconnected`, `timedOut`.
  public func connect(
    _ device: String, persistent: Bool = false
  ) throws(InterruptSyncClientError) {
    try act("Connect", device, ["persistent": .bool(persistent)], operation: "connect")
  }

  /// Masks the line and stops servicing it. This survives a reload and a return of the device.
  /// - Throws: `noSuchDevice`, `busy`, `permissionDenied`, `disconnected`, `timedOut`.
  public func disconnect(_ device: String) throws(InterruptSyncClientError) {
    try act("Disconnect", device, operation: "disconnect")
  }

  /// Raises interrupts of a software line, or has the kernel raise a connected vector of a device of
  /// vfio-pci (V27).
  /// - Parameters:
  ///   - device: a software line or a vector.
  ///   - count: 1 to 1,000,000; of a vector 1 to 1,000.
  /// - Throws: `noSuchDevice`, `wrongState` when it is neither, or a vector that is not connected,
  ///   `invalidArgument`, `deviceGone`, `systemFailure`, `permissionDenied`, `disconnected`,
  ///   `timedOut`.
  public func trigger(_ device: String, count: Int = 1) throws(InterruptSyncClientError) {
    try act("Trigger", device, ["count": .integer(Int64(count))], operation: "trigger")
  }

  /// Changes how the dispatcher walks the routines, until the next reload.
  /// - Throws: `noSuchDevice`, `notAllowed`, `busy`, `systemFailure`, `permissionDenied`,
  ///   `disconnected`, `timedOut`.
  public func setMode(_ device: String, _ mode: DeviceMode) throws(InterruptSyncClientError) {
    try act("SetMode", device, ["mode": .string(mode.rawValue)], operation: "set the mode")
  }

  /// Changes how the dispatcher is scheduled, until the next reload.
  /// - Throws: as `setMode`, and `invalidArgument` for a priority that is not 1 to 99.
  public func setPolicy(
    _ device: String, _ policy: DispatcherPolicy
  ) throws(InterruptSyncClientError) {
    var parameters: JSONObject = [:]
    switch policy {
    case .other: parameters["policy"] = "other"
    case .fifo(let priority):
      parameters["policy"] = "fifo"
      parameters["priority"] = .integer(Int64(priority))
    }
    try act("SetPolicy", device, parameters, operation: "set the policy")
  }

  private func act(
    _ method: String, _ device: String, _ parameters: JSONObject = [:], operation: String
  ) throws(InterruptSyncClientError) {
    var all: JSONObject = ["device": .string(device)]
    for member in parameters.members { all[member.key] = member.value }
    _ = try connection.call(method, all, device: device, operation: operation)
  }

  /// Makes the daemon read its configuration again. The role admin.
  /// - Throws: `configurationRejected` with every error, in which case the daemon keeps the old
  ///   configuration; `permissionDenied`, `disconnected`, `timedOut`.
  public func reload() throws(InterruptSyncClientError) {
    _ = try connection.call("Reload", operation: "reload the configuration")
  }

  /// Opens a device that the daemon may not open, and hands it over: the device's node and, for a
  /// PCI function, its configuration space. The caller opens both. The daemon keeps them for as
  /// long as the device is present, and connects the device if a file matches it. The role admin.
  /// - Throws: `noSuchDevice`, `wrongState` when the daemon has it open or it has no node,
  ///   `invalidArgument` when the node here is not the daemon's device, `unsupported`,
  ///   `systemFailure` when a file cannot be opened here, or when the daemon took them and could
  ///   not connect the device, `permissionDenied`, `disconnected`, `timedOut`.
  public func adoptDevice(_ device: String) throws(InterruptSyncClientError) {
    let described = try describe(device)
    let operation = "hand over the device"
    guard let number = described.number else {
      throw InterruptSyncClientError(
        .wrongState, object: device, operation: operation, cause: "it has no device node now",
        hint: "bind it to a UIO driver: interruptsyncctl bind")
    }
    // Opening and closing the node would turn off bus mastering under its current user.
    guard !described.isServiced else {
      throw InterruptSyncClientError(
        .wrongState, object: device, operation: operation,
        cause: "the daemon has it open already: it is \(described.state.rawValue)",
        hint: "disconnect it first: interruptsyncctl disconnect")
    }
    var descriptors = [try open("/dev/uio\(number)", device, operation)]
    var parameters: JSONObject = ["device": .string(described.id), "node": 0]
    if described.id.hasPrefix("pci-") {
      let path = "/sys/class/uio/uio\(number)/device/config"
      descriptors.append(try open(path, device, operation))
      parameters["configuration"] = 1
    }
    _ = try connection.call(
      "AdoptDevice", parameters, descriptors: descriptors, device: device, operation: operation)
  }

  private func open(
    _ path: String, _ device: String, _ operation: String
  ) throws(InterruptSyncClientError) -> FileDescriptor {
    do throws(SystemError) { return try FileDescriptor.open(path, O_RDWR | O_NONBLOCK) } catch {
      let meaning = FileFailure(error.number)
      throw InterruptSyncClientError(
        meaning.kind == .denied ? .permissionDenied : .systemFailure, object: device,
        operation: operation, cause: "cannot open \(path): \(meaning.cause)", hint: meaning.hint,
        errno: error.number)
    }
  }
}
