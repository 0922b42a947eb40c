// Clients room. Methods that act on a device: transactions, and lines that the client services. The
// Varlink server calls them for clients' messages. Control thread; no lock is held here, but a
// transaction takes the device's interrupt lock for as long as its operations run, which the limits
// bound.
import InterruptSync
import UIO
import Varlink

extension ClientService {
  func addTransactionMethods() {
    handle("Transact") { [unowned self] call throws(ErrorReply) in try transact(call) }
    handle("Attach") { [unowned self] call throws(ErrorReply) in try attach(call) }
    handle("Complete") { [unowned self] call throws(ErrorReply) in
      let device = try controlledDevice(call)
      let attachment = try attachment(call, device)
      try requireResponsive(device)
      do throws(InterruptSyncError) {
        call.reply(["interrupts": JSON(try attachment.complete())])
      } catch {
        throw error.code == .removed ? ClientError.deviceGone(device) : ClientError.system(error)
      }
    }
    handle("Detach") { [unowned self] call throws(ErrorReply) in
      let device = try controlledDevice(call)
      _ = try attachment(call, device)
      try requireResponsive(device)
      device.endAttachment()
      registry.attachmentEnded(device)
      call.reply()
    }
  }

  // MARK: Transactions

  private func transact(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try controlledDevice(call)
    // A user may raise an interrupt from one program and service it in another.
    if let attachment = device.attachment, attachment.user != call.peer.user {
      throw ClientError.busy(device, "a client of another user has attached the device")
    }
    guard device.isConnected, let object = device.object else {
      throw ClientError.wrongState(device, "connect or attach the device first")
    }
    var operations: [TransactionOperation] = []
    for (index, value) in (call.parameters["operations"]?.array ?? []).enumerated() {
      operations.append(try TransactionOperation(value.object ?? [:], index: index))
    }
    let regions = device.regions
    let id = device.id
    do throws(TransactionRefusal) {
      let transaction = try Transaction(operations, limits: settings.limits.transaction) {
        (region) throws(UIOError) in
        guard let regions else {
          throw UIOError(
            .noSuchRegion, device: id, operation: "find the register",
            cause: "a software line has no registers",
            hint: "name a device with registers: interruptsyncctl info shows its regions")
        }
        return try regions.region(region)
      }
      answer(call, device) { () throws(InterruptSyncError) in
        try transaction.run(on: object, within: device.patience)
      }
    } catch let refusal {
      throw ClientError.refused(refusal)
    }
  }

  private func answer(
    _ call: VarlinkCall, _ device: ManagedDevice,
    _ run: () throws(InterruptSyncError) -> TransactionOutcome
  ) {
    do throws(InterruptSyncError) {
      switch try run() {
      case .complete(let results): call.reply(["results": .array(results.map { JSON($0) })])
      case .waitExpired(let index, let results): call.fail(ClientError.waitExpired(index, results))
      case .deviceGone(let results): call.fail(ClientError.deviceGone(device, results))
      }
    } catch {
      if error.code == .busy { device.isHung = true }
      call.fail(error.code == .busy ? ClientError.busy(device) : ClientError.system(error))
    }
  }

  // MARK: Attachments

  private func attach(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try controlledDevice(call)
    try requireUnattached(device)
    try requireResponsive(device)
    guard device.info != nil || device.isSoftware else {
      throw ClientError.wrongState(device, "the device is absent")
    }
    guard device.info?.function == nil else {
      throw ClientError.wrongState(
        device, "no client can attach a device of vfio-pci: its messages cannot wait for a client")
    }
    let longest = settings.attachDeadline
    let asked = try integer(
      call, "deadlineMicroseconds", in: 1...Int64(clamping: longest.nanoseconds / 1000))
    let deadline = asked.map { TimeSpan.microseconds(UInt64($0)) } ?? longest
    _ = try register(call)
    let user = call.peer.user
    do {
      device.attachment = try Attachment(
        of: device, to: call.connection.id, of: user,
        deadline: .nanoseconds(Int64(clamping: deadline.nanoseconds)), on: loop
      ) { [weak self, weak device] in
        guard let self, let device else { return }
        journal.log(
          LogRecord(
            .warning, "\(device.id): a client missed its deadline; its attachment has ended",
            event: .attachmentExpired, device: device.id, clientUID: user))
        registry.attachmentEnded(device)
      }
    } catch {
      unregister(user)
      if device.isWanted { try? device.connect() }
      throw ClientError.system(error)
    }
    let owner = call.connection.id
    call.connection.whenClosed { [weak self, weak device] in
      self?.unregister(user)
      device?.whenResponsive { [weak self, weak device] in
        guard let device, device.attachment?.owner == owner else { return }
        device.endAttachment()
        self?.registry.attachmentEnded(device)
      }
    }
    registry.notify(.changed, device)
    if let event = device.attachment?.takeEvent() { call.reply(["event": 0], descriptors: [event]) }
  }

  private func attachment(
    _ call: VarlinkCall, _ device: ManagedDevice
  ) throws(ErrorReply) -> Attachment {
    guard let attachment = device.attachment, attachment.owner == call.connection.id else {
      throw ClientError.notAttached(
        device, "this connection has not attached it, or missed the deadline")
    }
    return attachment
  }
}

extension TransactionOperation {
  /// Reads an `Operation` whose types have been checked.
  /// - Throws: `BadRegister`, `InvalidParameter`.
  fileprivate init(_ object: JSONObject, index: Int) throws(ErrorReply) {
    let register: RegisterReference
    do throws(UIOError) {
      register = try RegisterReference(object["register"]?.string ?? "")
    } catch {
      throw ClientError.refused(.badRegister(index: index, error))
    }
    /// Absent and null are the same.
    func number(_ name: String) throws(ErrorReply) -> UInt64? {
      guard let value = object[name], value != .null else { return nil }
      guard let number = value.uint64 else {
        throw .invalidParameter("operations[\(index)].\(name)")
      }
      return number
    }
    func required(_ name: String) throws(ErrorReply) -> UInt64 {
      guard let number = try number(name) else {
        throw .invalidParameter("operations[\(index)].\(name)")
      }
      return number
    }
    switch object["operation"]?.string {
    case "read": self = .read(register)
    case "write": self = .write(register, value: try required("value"))
    case "update":
      self = .update(register, mask: try required("mask"), value: try required("value"))
    case "wait":
      self = .wait(
        register, mask: try number("mask") ?? register.mask, value: try required("value"),
        microseconds: try required("microseconds"))
    default: throw .invalidParameter("operations[\(index)].operation")
    }
  }
}
