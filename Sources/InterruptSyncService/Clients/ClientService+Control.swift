// Clients room. Methods that connect, trigger and change devices, reload the configuration, and
// take over descriptors. The Varlink server calls them for clients' messages, on the control
// thread, with no lock held. Connecting, disconnecting and changing a device wait for its interrupt
// lock: ask `requireResponsive` or `whenResponsive` first.
import InterruptSync
import UIO
import VFIO
import Varlink

extension ClientService {
  func addControlMethods() {
    handle("Connect") { [unowned self] call throws(ErrorReply) in try connect(call) }
    handle("Disconnect") { [unowned self] call throws(ErrorReply) in
      let device = try controlledDevice(call)
      try requireUnattached(device)
      try requireResponsive(device)
      registry.disconnect(device)
      call.reply()
    }
    handle("Trigger") { [unowned self] call throws(ErrorReply) in
      let device = try controlledDevice(call)
      try trigger(device, call)
      call.reply()
    }
    handle("SetMode") { [unowned self] call throws(ErrorReply) in
      let device = try controlledDevice(call)
      let name = call.parameters["mode"]?.string
      guard let mode = InterruptSyncMode.allCases.first(where: { $0.description == name }) else {
        throw .invalidParameter("mode")
      }
      try change(device) { $0.mode = mode }
      call.reply()
    }
    handle("SetPolicy") { [unowned self] call throws(ErrorReply) in
      let device = try controlledDevice(call)
      let policy = try policy(call)
      try change(device) { $0.policy = policy }
      call.reply()
    }
    handle("Reload") { [unowned self] call throws(ErrorReply) in
      guard policy.role(of: call.peer) >= .admin else { throw denied(call) }
      do throws(ConfigurationError) { try reload() } catch { throw ClientError.rejected(error) }
      // A client that asks next finds the vectors of what is opened now.
      registry.opener.functions.whenSettled { call.reply() }
    }
  }

  /// Raises interrupts of a software line, or has the kernel raise a vector as if its device had (V27).
  private func trigger(_ device: ManagedDevice, _ call: VarlinkCall) throws(ErrorReply) {
    if let line = device.software {
      return line.trigger(UInt64(try integer(call, "count", in: 1...1_000_000) ?? 1))
    }
    guard let line = device.line as? VFIOLine else {
      throw ClientError.wrongState(device, "only software lines and vectors can be triggered")
    }
    // A system call each.
    let count = try integer(call, "count", in: 1...1000) ?? 1
    guard device.isConnected else { throw ClientError.wrongState(device, "connect it first") }
    do throws(UIOError) {
      for _ in 0..<count {
        try line.selfTest()
        // The device counts it, and the kernel does not.
        device.countBase &-= 1
      }
    } catch {
      throw error.code == .removed ? ClientError.deviceGone(device) : ClientError.system(error)
    }
  }

  private func connect(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try controlledDevice(call)
    try requireUnattached(device)
    guard device.configuration != nil else { throw ClientError.notConfigured(device) }
    guard !device.isConnected else {
      throw ClientError.wrongState(device, "the device is connected already")
    }
    try requireResponsive(device)
    let isPersistent = call.parameters["persistent"]?.bool ?? false
    let user = call.peer.user
    if !isPersistent { _ = try register(call) }
    registry.connect(device) { [unowned self] error in
      if let error {
        if !isPersistent { unregister(user) }
        return call.fail(ClientError.system(error))
      }
      if isPersistent { registry.keepConnected(device) } else { disconnect(device, after: call) }
      registry.notify(.changed, device)
      call.reply()
    }
  }

  /// Disconnects a device when its client's connection ends, unless it is serviced anyway by then.
  private func disconnect(_ device: ManagedDevice, after call: VarlinkCall) {
    let user = call.peer.user
    call.connection.whenClosed { [weak self, weak device] in
      self?.unregister(user)
      device?.whenResponsive { [weak self, weak device] in
        guard let device, !device.isWanted, !device.isAttached else { return }
        device.disconnect()
        self?.registry.notify(.changed, device)
      }
    }
  }

  /// Remakes the object with another setting, and reconnects a device that was connected.
  private func change(_ device: ManagedDevice, _ body: (ManagedDevice) -> Void) throws(ErrorReply) {
    try requireUnattached(device)
    guard device.configuration != nil else { throw ClientError.notConfigured(device) }
    try requireResponsive(device)
    let wasConnected = device.isConnected
    body(device)
    device.remakeObject()
    if wasConnected {
      do { try device.connect() } catch { throw ClientError.system(error) }
    }
    registry.notify(.changed, device)
  }

  private func policy(_ call: VarlinkCall) throws(ErrorReply) -> DispatcherAttributes.Policy {
    let priority = try integer(call, "priority", in: 1...99)
    switch call.parameters["policy"]?.string {
    case "other":
      guard priority == nil else { throw .invalidParameter("priority") }
      return .other
    case "fifo", "rr":
      guard let priority else { throw .invalidParameter("priority") }
      return call.parameters["policy"]?.string == "fifo"
        ? .fifo(Int32(priority)) : .roundRobin(Int32(priority))
    default: throw .invalidParameter("policy")
    }
  }
}

extension ClientService {
  func addAdoptionMethods() {
    handle("AdoptDevice", descriptors: ["node", "configuration"]) {
      [unowned self] call throws(ErrorReply) in try adopt(call)
    }
  }

  /// Takes over descriptors that the daemon may not open itself, and connects the device with them
  /// if it should be serviced.
  private func adopt(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .admin)
    call.connection.exempt()
    guard let info = device.info else {
      throw ClientError.wrongState(
        device, device.isSoftware ? "a software line has no descriptors" : "the device is absent")
    }
    guard let uio = info.uio else {
      throw ClientError.wrongState(device, "the daemon opens devices of vfio-pci itself")
    }
    try requireUnattached(device)
    guard device.line?.isOpen(for: info) != true else {
      throw ClientError.wrongState(device, "the daemon has it open already")
    }
    guard let node = call.descriptor("node") else { throw .invalidParameter("node") }
    do throws(AdoptionError) {
      try device.adopt(node: node, configuration: call.descriptor("configuration"), of: uio)
    } catch { throw ClientError.badDescriptor(device, error) }
    journal.log(
      LogRecord(
        .info, "\(device.id): a client handed in its descriptors", device: device.id,
        clientUID: call.peer.user, method: call.method))
    let failure = registry.serve(device)
    registry.notify(.changed, device)
    if let failure { throw ClientError.system(failure) }
    call.reply()
  }
}
