// Devices room. A line that a client services: each interrupt is handed to the client with the line
// masked, and the line stays masked until the client completes. ClientService+Transactions makes
// it, completes and ends it, on the control thread, which holds no lock and asks `isResponsive`
// first. Its one routine runs on the dispatcher's thread under the interrupt lock and only signals:
// the client through its own end of a pair of sockets, the control thread through an eventfd that
// no client has.
import CUIO
import InterruptSync
import LinuxSystem
import UIO
import Varlink

/// One client's hold on a device.
final class Attachment {
  /// Its routine's, as clients see it.
  static let routineName = "client"
  /// The number of the connection that made it.
  let owner: UInt64
  /// The user of that connection.
  let user: UInt32
  /// For the client: readable after each interrupt. Nil once the client has it.
  private(set) var event: FileDescriptor?
  let deadline: Duration
  private let device: ManagedDevice
  private let loop: EventLoop
  private let handed: FileDescriptor
  /// The other end of `event`.
  private let wake: FileDescriptor
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var registration: ServiceRoutineRegistration?
  private var completed: UInt64 = 0
  private let expired: () -> Void

  /// Takes the service over from the device's own routines.
  /// - Parameter expired: called when the client missed the deadline, after the attachment has
  ///   ended.
  /// - Throws: `UIOError`, `InterruptSyncError`, `SystemError`; the device is then left as it was
  ///   configured.
  init(
    of device: ManagedDevice, to owner: UInt64, of user: UInt32, deadline: Duration,
    on loop: EventLoop, expired: @escaping () -> Void
  ) throws {
    self.owner = owner
    self.user = user
    self.deadline = deadline
    self.device = device
    self.loop = loop
    self.expired = expired
    do throws(SystemError) {
      (wake, event) = try FileDescriptor.wakePair()
      handed = try FileDescriptor.event()
    } catch {
      throw UIOError(
        .resourcesExhausted, device: device.id, operation: "attach",
        cause: "cannot create a pair of sockets or an eventfd",
        hint: "raise the limit (systemd: LimitNOFILE=)", errno: error.number)
    }
    device.disconnect()
    device.cancelRoutines()
    do { try begin() } catch {
      finish()
      throw error
    }
  }

  /// The client's end, once: the daemon keeps no copy, so that only the client holds it open.
  func takeEvent() -> FileDescriptor? {
    defer { event = nil }
    return event
  }

  private func begin() throws {
    try device.open()
    guard let object = device.object else { return }
    completed = object.statistics().interrupts
    // The registration ends before the object and the descriptors do.
    let (client, own) = (wake.raw, handed.raw)
    registration = try object.registerServiceRoutine { [unowned object] in
      object.deferLine()
      _ = linux_wake_pair_signal(client)
      _ = linux_event_signal(own, 1)
      return .success
    }
    if let registration { device.routines = [(Self.routineName, registration)] }
    watch = try loop.watch(handed, for: .readable) { [unowned self] _ in wasHanded() }
    try device.connectObject()
  }

  private func wasHanded() {
    _ = linux_event_drain(handed.raw)
    // Completed already, or the deadline is running already.
    guard timer == nil, !device.isResponsive() || device.object?.isLineDeferred == true else {
      return
    }
    timer = loop.after(deadline) { [unowned self] in
      timer = nil
      device.whenResponsive { [weak device, weak self] in
        // It may have ended meanwhile.
        guard let self, let device, device.attachment === self else { return }
        let expired = expired
        device.endAttachment()
        expired()
      }
    }
  }

  /// Completes the client's service and unmasks the line.
  /// - Returns: the interrupts since the last completion.
  /// - Throws: what the re-arm failed with.
  func complete() throws(InterruptSyncError) -> UInt64 {
    stopTimer()
    guard let object = device.object else { return 0 }
    let interrupts = object.statistics().interrupts
    defer { completed = interrupts }
    try object.releaseLine()
    return interrupts &- completed
  }

  /// Masks the line, removes the routine, and wakes the client.
  func finish() {
    stopTimer()
    if let watch { loop.unwatch(watch) }
    watch = nil
    device.disconnect()
    device.cancelRoutines()
    registration = nil
    // A client that waits for an interrupt would wait forever. Its next call tells it the reason.
    _ = linux_wake_pair_signal(wake.raw)
  }

  private func stopTimer() {
    if let timer { loop.cancel(timer) }
    timer = nil
  }
}

extension ManagedDevice {
  /// Ends an attachment, if there is one, and services the device again as configured.
  func endAttachment() {
    guard isAttached else { return }
    revokeAttachment()
    // After a reload another file may apply; the registry reconnects then.
    if isWanted, !missedReload { try? connect() }
  }

  /// Ends an attachment, if there is one, and leaves the line masked.
  func revokeAttachment() {
    attachment?.finish()
    attachment = nil
  }
}
