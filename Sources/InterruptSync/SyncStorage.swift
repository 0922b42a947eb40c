// What an object and its dispatcher share. Owned by both, so that the object's last reference may
// go away inside one of its own routines (N12).
import CUIO
import LinuxSystem
import Synchronization

@safe final class SyncStorage: @unchecked Sendable {
  let name: String
  let core: UnsafeMutablePointer<SyncCore>
  let lock: InterruptLock
  let options: InterruptSyncOptions
  /// What the routines' contexts point into, for surfaces that own it: it lives as long as any
  /// dispatcher may still call one. Set once, before the first routine is registered.
  var attachment: AnyObject?
  /// Makes changes of the list one after the other. Ordinary code only; taken before the interrupt
  /// lock.
  let registering = Monitor()
  /// Guards what follows. Taken at any level, so nothing is waited for or acquired while it is
  /// held.
  let monitor = Monitor()
  var registrations: [ServiceRoutineRegistration] = []
  var taps: [EventTap] = []
  var source: any InterruptSource
  var phase = Phase.disconnected
  var dispatcher: Connection?
  /// Changes with every disconnect, which is what makes old interrupt handles stale (N14).
  let generation = Atomic<Int>(0)

  enum Phase { case disconnected, connecting, connected, disconnecting }

  init(
    name: String, source: any InterruptSource, mode: InterruptSyncMode, lock: InterruptLock,
    options: InterruptSyncOptions
  ) {
    self.name = name
    self.source = source
    self.lock = lock
    self.options = options
    unsafe core = CacheLine.allocate()
    unsafe core.initialize(
      to: SyncCore(
        lock: lock.raw, mode: mode, acceptsAnySuccess: options.acceptsAnySuccess,
        repeatLimit: options.repeatLimit == 0 ? .max : options.repeatLimit,
        stormLimit: options.storm.limit,
        stormWindow: cuio_nanoseconds_to_ticks(100_000_000)))
  }

  deinit {
    unsafe core.deinitialize(count: 1)
    unsafe CacheLine.deallocate(core)
  }

  func report(_ report: InterruptReport) { options.report?(report) }

  /// Runs `body` with the interrupt lock, also when the calling thread has it already.
  func holdingLock<R>(_ body: () -> R) -> R {
    let result = unsafe cuio_lock_acquire(core.pointee.lock)
    defer { if result == 0 { _ = unsafe cuio_lock_release(core.pointee.lock) } }
    return body()
  }

  /// Takes `registration` out of the list. With the interrupt lock held by the caller.
  func unlink(_ registration: ServiceRoutineRegistration) {
    var link: UnsafeMutablePointer<RoutineNode>?
    var next = unsafe core.pointee.head
    while let node = unsafe next {
      if unsafe node == registration.node {
        if let link = unsafe link {
          unsafe link.pointee.next = node.pointee.next
        } else {
          unsafe core.pointee.head = node.pointee.next
        }
        return
      }
      unsafe link = node
      unsafe next = node.pointee.next
    }
  }
}
