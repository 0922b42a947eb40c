// Changing what the daemon does. The role control, or admin where it says so.
import Glibc
import UIO
import Varlink

extension InterruptSyncClient {
  /// Services a device as its file says.
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

  /// Masks the line and stops servicing it, after a reload or a return of the device too.
  /// - Throws: `noSuchDevice`, `busy`, `permissionDenied`, `disconnected`, `timedOut`.
  public func disconnect(_ device: String) throws(InterruptSyncClientError) {
    try act("Disconnect", device, operation: "disconnect")
  }

  /// Raises interrupts of a software line.
  /// - Parameters:
  ///   - device: a software line.
  ///   - count: 1 to 1,000,000.
  /// - Throws: `noSuchDevice`, `wrongState` when it is no software line, `invalidArgument`,
  ///   `permissionDenied`, `disconnected`, `timedOut`.
  public func trigger(_ device: String, count: Int = 1) throws(InterruptSyncClientError) {
    try act("Trigger", device, ["count": .integer(Int64(count))], operation: "trigger")
  }

  /// Changes how the routines are walked, until the next reload.
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

  /// Reads the configuration anew. The role admin.
  /// - Throws: `configurationRejected` with every fault, and then the old one stays;
  ///   `permissionDenied`, `disconnected`, `timedOut`.
  public func reload() throws(InterruptSyncClientError) {
    _ = try connection.call("Reload", operation: "reload the configuration")
  }

  /// Hands the daemon what it may not open itself. The role admin; the caller opens the device's
  /// node and, for a PCI function, its configuration space. The daemon keeps both for as long as
  /// the device is there, and connects it if a file is for it.
  /// - Throws: `noSuchDevice`, `wrongState` when the daemon has it open or it has no node,
  ///   `invalidArgument` when the node here is not the daemon's device, `unsupported`,
  ///   `systemFailure` when a file does not open here, or the daemon took them and could not
  ///   connect the device, `permissionDenied`, `disconnected`, `timedOut`.
  public func adoptDevice(_ device: String) throws(InterruptSyncClientError) {
    let described = try describe(device)
    let operation = "hand over the device"
    guard let number = described.number else {
      throw InterruptSyncClientError(
        .wrongState, object: device, operation: operation, cause: "it has no node now")
    }
    // To open and close it would turn off the bus mastering of who uses it.
    guard !described.isServiced else {
      throw InterruptSyncClientError(
        .wrongState, object: device, operation: operation,
        cause: "the daemon has it open already: it is \(described.state.rawValue)")
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
    do throws(SystemFailure) { return try FileDescriptor.open(path, O_RDWR | O_NONBLOCK) } catch {
      let isDenied = error.number == EACCES || error.number == EPERM
      throw InterruptSyncClientError(
        isDenied ? .permissionDenied : .systemFailure, object: device, operation: operation,
        cause: "\(path) does not open (\(Errno.name(error.number)))",
        hint: isDenied ? "run as root" : "", errno: error.number)
    }
  }

  private func act(
    _ method: String, _ device: String, _ parameters: JSONObject = [:], operation: String
  ) throws(InterruptSyncClientError) {
    var all: JSONObject = ["device": .string(device)]
    for member in parameters.members { all[member.key] = member.value }
    _ = try connection.call(method, all, device: device, operation: operation)
  }
}
