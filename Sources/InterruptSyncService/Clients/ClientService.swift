// Clients room. io.interruptsync: what clients can ask of the daemon. Service makes it, opens its
// sockets, and hands it reloaded settings; the Varlink server calls it for clients' messages. This
// file resolves devices, checks roles and counts what each user has registered; each group of
// methods has an extension in a file of its own. Control thread; no lock is held, and
// `requireResponsive` comes before a call that would wait for one.
import InterruptSync
import LinuxSystem
import UIO
import Varlink

/// The Varlink interface over the registry.
final class ClientService {
  let registry: DeviceRegistry
  let server: VarlinkServer
  let loop: EventLoop
  private(set) var settings: DaemonSettings
  private(set) var policy: AccessPolicy
  /// Reloads the configuration; throws what is wrong with it.
  let reload: () throws(ConfigurationError) -> Void
  let journal: Journal
  /// Registrations, subscriptions and bytes of rings, by user.
  private var registrations: [UInt32: Int] = [:]
  private var subscriptions: [UInt32: Int] = [:]
  var ringMemory: [UInt32: Int] = [:]
  private var lastRegistration = 0
  /// Calls with many replies.
  var watched: [Int: VarlinkCall] = [:]
  var streams: [Int: EventStream] = [:]
  /// The feed that a device's streams share while there are any, by device.
  var feeds: [String: WeakFeed] = [:]

  struct WeakFeed { weak var feed: EventFeed? }

  /// - Throws: `VarlinkError`.
  init(
    registry: DeviceRegistry, settings: DaemonSettings, policy: AccessPolicy, loop: EventLoop,
    quota: CPUQuota, journal: Journal, reload: @escaping () throws(ConfigurationError) -> Void
  ) throws(VarlinkError) {
    self.registry = registry
    self.settings = settings
    self.loop = loop
    self.reload = reload
    self.journal = journal
    self.policy = policy
    server = try VarlinkServer(
      loop: loop,
      identity: ServiceIdentity(
        vendor: "InterruptSync", product: "interruptsyncd", version: "0.1.0", url: ""),
      limits: settings.limits.server, quota: quota)
    let text = String(decoding: PackageResources.io_interruptsync_varlink, as: UTF8.self)
    server.add(try InterfaceDescription(text))
    server.standing = { [unowned self] in self.policy.standing(of: $0) }
    server.authorize = { [unowned self] peer, _ in self.policy.role(of: peer) >= .observe }
    server.observe = { journal.log(LogRecord($0)) }
    addDeviceMethods()
    addHistogramMethods()
    addControlMethods()
    addAdoptionMethods()
    addTransactionMethods()
    addWatchMethods()
  }

  /// Takes over reloaded settings. Clients that are connected keep their connections and what they
  /// registered.
  func apply(_ settings: DaemonSettings, _ policy: AccessPolicy) {
    self.settings = settings
    self.policy = policy
    server.limits = settings.limits.server
  }

  func handle(
    _ method: String, streaming: VarlinkServer.Streaming = .never, descriptors: [String] = [],
    _ handler: @escaping VarlinkServer.Handler
  ) {
    server.handle(
      "\(ClientError.interface).\(method)", streaming: streaming, descriptors: descriptors, handler)
  }

  // MARK: Devices and roles

  /// The device that a call is about, for a caller that has `role` with it. A caller without observe
  /// rights is told that the device does not exist.
  func device(_ call: VarlinkCall, _ role: Role) throws(ErrorReply) -> ManagedDevice {
    let name = call.parameters["device"]?.string ?? ""
    guard let device = registry.device(name) else { throw ClientError.noSuchDevice(name) }
    let has = policy.role(of: call.peer, for: device.configuration?.settings)
    guard has >= .observe else { throw ClientError.noSuchDevice(name) }
    guard has >= role else { throw denied(call) }
    return device
  }

  /// The device that a call controls. From here on the CPU quota does not apply to the connection: a
  /// client that may hold the device's lock may take the processor.
  func controlledDevice(_ call: VarlinkCall) throws(ErrorReply) -> ManagedDevice {
    let device = try device(call, .control)
    call.connection.exempt()
    return device
  }

  func denied(_ call: VarlinkCall) -> ErrorReply {
    journal.log(LogRecord(.deniedCall(call.peer, method: call.method)))
    return .permissionDenied
  }

  func mayObserve(_ peer: PeerCredentials, _ device: ManagedDevice) -> Bool {
    policy.role(of: peer, for: device.configuration?.settings) >= .observe
  }

  /// For a call that takes the device's lock or waits for its dispatcher.
  func requireResponsive(_ device: ManagedDevice) throws(ErrorReply) {
    if !device.isResponsive() { throw ClientError.busy(device) }
  }

  func requireUnattached(_ device: ManagedDevice) throws(ErrorReply) {
    guard !device.isAttached else {
      throw ClientError.busy(device, "a client has attached the device")
    }
  }

  /// An integer parameter; nil if it is absent. A number outside `range`, or of more than 63 bits, is
  /// refused rather than taken for absent.
  func integer(
    _ call: VarlinkCall, _ name: String, in range: ClosedRange<Int64>
  ) throws(ErrorReply) -> Int64? {
    guard let value = call.parameters[name], value != .null else { return nil }
    guard let number = value.int64, range.contains(number) else { throw .invalidParameter(name) }
    return number
  }

  // MARK: Registrations, which end with their connection

  /// Counts a registration of the caller until `unregister`, and returns its number.
  func register(_ call: VarlinkCall) throws(ErrorReply) -> Int {
    try count(call, \.registrations, settings.limits.registrationsPerUser)
  }

  func subscribe(_ call: VarlinkCall) throws(ErrorReply) -> Int {
    try count(call, \.subscriptions, settings.limits.subscriptionsPerUser)
  }

  private func count(
    _ call: VarlinkCall, _ counts: ReferenceWritableKeyPath<ClientService, [UInt32: Int]>,
    _ limit: Int
  ) throws(ErrorReply) -> Int {
    let user = call.peer.user
    guard self[keyPath: counts][user, default: 0] < limit else {
      throw ClientError.tooManyRegistrations(limit)
    }
    self[keyPath: counts][user, default: 0] += 1
    lastRegistration += 1
    return lastRegistration
  }

  /// Refuses a ring that would take what is kept for others: the user's limit, what the rings of all
  /// users share, and the last descriptors. Root and admins are bound by the first alone.
  func requireRoom(_ call: VarlinkCall, forRing size: Int) throws(ErrorReply) {
    let limit = settings.limits.ringMemoryPerUser
    let has = ringMemory[call.peer.user, default: 0]
    guard size <= limit - has else {
      throw ClientError.tooMuchMemory(size, by: "the user's", has: has, limit: limit)
    }
    guard !policy.standing(of: call.peer).isPreferred else { return }
    let all = settings.limits.ringMemory
    let total = ringMemory.values.reduce(0, +)
    guard size <= all - total else {
      throw ClientError.tooMuchMemory(size, by: "all users'", has: total, limit: all)
    }
    guard server.hasDescriptors(Self.descriptorsOfRing) else { throw ClientError.noDescriptors }
  }

  /// No ring takes more.
  private static let descriptorsOfRing: Int32 = 4

  func unregister(_ user: UInt32) { release(user, \.registrations) }

  /// - Parameter bytes: the size of a ring that ends with it.
  func unsubscribe(_ user: UInt32, releasing bytes: Int = 0) {
    release(user, \.subscriptions)
    let left = ringMemory[user, default: bytes] - bytes
    ringMemory[user] = left == 0 ? nil : left
  }

  private func release(
    _ user: UInt32, _ counts: ReferenceWritableKeyPath<ClientService, [UInt32: Int]>
  ) {
    let left = self[keyPath: counts][user, default: 1] - 1
    self[keyPath: counts][user] = left == 0 ? nil : left
  }
}
