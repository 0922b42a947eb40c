// What all `Events` streams of a device hang on: however many there are, the dispatcher writes one
// ring for them and wakes this thread at most so often.
import CUIO
import InterruptSync
import LinuxSystem
import UIO
import Varlink

/// The interrupts of one object, for the streams about it. On the control thread. Lasts as long as a
/// stream keeps it.
final class EventFeed {
  /// At most so often streams are told.
  private static let pause = Duration.milliseconds(20)
  /// What comes within a pause at 50,000 interrupts a second. Of more, a stream counts all and shows
  /// one that came a little earlier.
  private static let capacity = 1024

  /// What the ring is of; a device gets another with other settings.
  let object: InterruptSyncObject
  private let ring: SharedRing
  private let reader: RingReader
  private let loop: EventLoop
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var listeners: [ObjectIdentifier: (cuio_ring_entry) -> Void] = [:]

  /// - Throws: `SystemFailure`; `WrongState` when the device has never been connected.
  init(of device: ManagedDevice, on loop: EventLoop) throws(ErrorReply) {
    self.loop = loop
    (object, ring) = try device.ring(capacity: Self.capacity)
    reader = RingReader(ring)
    do throws(SystemError) {
      watch = try loop.watch(ring.event, for: .readable) { [unowned self] _ in woken() }
    } catch { throw ClientError.system(error) }
    came()
  }

  deinit {
    if let watch { loop.unwatch(watch) }
    if let timer { loop.cancel(timer) }
  }

  /// Calls `body` with the last of the interrupts of each pause, until `remove`.
  func add(_ listener: AnyObject, _ body: @escaping (cuio_ring_entry) -> Void) {
    listeners[ObjectIdentifier(listener)] = body
  }

  func remove(_ listener: AnyObject) { listeners[ObjectIdentifier(listener)] = nil }

  private func woken() {
    _ = cuio_event_drain(ring.event.raw)
    // What comes in a pause is looked for at its end.
    if timer == nil { came() }
  }

  private func came() {
    var last = newest()
    // After a pause in which nothing came the dispatcher is to wake this thread, for the first.
    while last == nil, reader.sleeps() { last = newest() }
    guard let last else { return }
    timer = loop.after(Self.pause) { [unowned self] in
      timer = nil
      came()
    }
    // A stream may end with this, and this with the last of them.
    withExtendedLifetime(self) {
      for body in Array(listeners.values) { body(last) }
    }
  }

  private func newest() -> cuio_ring_entry? {
    var last: cuio_ring_entry?
    while let entry = reader.take() { last = entry }
    return last
  }
}
