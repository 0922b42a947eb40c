// Descriptors that the daemon may not open itself, from who may.
import UIO
import Varlink

extension ClientService {
  func addAdoptionMethods() {
    handle("AdoptDevice", descriptors: ["node", "configuration"]) {
      [unowned self] call throws(ErrorReply) in try adopt(call)
    }
  }

  /// The device is connected with them at once, if it is to be.
  private func adopt(_ call: VarlinkCall) throws(ErrorReply) {
    let device = try device(call, .admin)
    guard let info = device.info else {
      throw ClientError.wrongState(
        device, device.isSoftware ? "a software line has no descriptors" : "the device is not there"
      )
    }
    try requireUnattached(device)
    guard device.line?.device.isAlive != true else {
      throw ClientError.wrongState(device, "the daemon has it open already")
    }
    guard let node = call.descriptor("node") else { throw .invalidParameter("node") }
    do throws(Inheritance.Refusal) {
      try device.adopt(node: node, configuration: call.descriptor("configuration"), of: info)
    } catch { throw ClientError.badDescriptor(device, error) }
    journal.log(
      LogRecord(
        .info, "\(device.id): its descriptors were handed in", device: device.id,
        clientUID: call.peer.user, method: call.method))
    let failure = registry.serve(device)
    registry.tell(.changed, device)
    if let failure { throw ClientError.system(failure) }
    call.reply()
  }
}
