// Devices room. A device whose routine holds the interrupt lock and does not return. Clients'
// methods, DeviceRegistry and Service ask here, on the control thread, which tries the lock for 50
// ms at most and keeps none: calls about the device are answered Busy, what must be done with it
// anyway waits until the routine returns, and other devices and signals go on. A routine that
// begins to hang between the look and the change stops the control thread until the watchdog
// restarts the daemon.
import InterruptSync
import UIO

extension ManagedDevice {
  /// The longest time that the control thread waits for a routine. A routine takes microseconds.
  static let longestWait = Duration.milliseconds(50)

  /// How long to wait this time: the second look at a routine that hangs does not wait again.
  var patience: Duration { isHung ? .zero : Self.longestWait }

  /// Whether the device can be connected, disconnected and changed without waiting for a routine.
  func isResponsive(within limit: Duration? = nil) -> Bool {
    let limit = min(limit ?? .seconds(1), patience)
    isHung = !(object?.isResponsive(within: limit) ?? lock?.isFree(within: limit) ?? true)
    return !isHung
  }

  /// Does something with the device: now, or once its routine has returned. In order.
  func whenResponsive(_ body: @escaping () -> Void) {
    guard waiting.isEmpty, isResponsive() else { return waiting.append(body) }
    body()
  }

  /// Does what waits, if the routine has returned.
  func resumeWaiting() {
    while !waiting.isEmpty, isResponsive() { waiting.removeFirst()() }
  }

  /// - Throws: `busy` when a routine holds the device up.
  func requireResponsive(_ operation: String) throws(UIOError) {
    guard !isResponsive() else { return }
    throw UIOError(
      .busy, device: id, operation: operation, cause: Self.hangs,
      hint: "look for the routine that does not return; it must not wait")
  }

  static let hangs = "a routine has held the interrupt lock for more than 50 ms"
}

extension DeviceRegistry {
  /// Once a second: what waited for routines that hung, and a message for each that begins or ends
  /// to hang.
  func lookAtWaiting() {
    for device in devices {
      let wasHung = device.wasReportedHung
      device.resumeWaiting()
      if device.isHung { _ = device.isResponsive() }
      guard device.isHung != wasHung else { continue }
      device.wasReportedHung = device.isHung
      journal.log(
        device.isHung
          ? LogRecord(
            .error,
            "\(device.id): \(ManagedDevice.hangs); changes of the device wait until it returns",
            event: .routineHangs, device: device.id)
          : LogRecord(
            .notice, "\(device.id): the routine has returned", event: .routineReturned,
            device: device.id))
    }
  }

  /// Disconnects every device whose routines return. With those of all others this takes at most a
  /// second.
  /// - Returns: whether a routine hangs: then no part of its device may be released.
  func disconnectAll() -> Bool {
    let end = ContinuousClock.now + .seconds(1)
    for device in devices {
      let left = max(.zero, ContinuousClock.now.duration(to: end))
      if device.isResponsive(within: left) { device.disconnect() }
    }
    lookAtWaiting()
    return devices.contains(where: \.isHung)
  }
}
