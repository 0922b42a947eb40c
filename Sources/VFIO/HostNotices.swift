// The one thread that waits for what the host says about open devices: that it wants one back, and
// that one has reported an error. Floor 3. VFIODevice adds and removes itself, on the thread that
// opens or closes it; its handlers run on the thread `vfio notices`, at PASSIVE_LEVEL without a
// lock. A monitor guards the start of that thread, which begins with the first open device of the
// process and stays.
import CLinuxSystem
import LinuxSystem

/// Waits for the notices of all open devices.
final class HostNotices: @unchecked Sendable {
  enum Notice: Sendable { case wanted, failed }

  /// A device's eventfds, and what to call.
  final class Subscription: Sendable {
    let wanted: FileDescriptor
    let failed: FileDescriptor
    let handler: @Sendable (Notice) -> Void

    init(
      wanted: FileDescriptor, failed: FileDescriptor,
      _ handler: @escaping @Sendable (Notice) -> Void
    ) {
      self.wanted = wanted
      self.failed = failed
      self.handler = handler
    }
  }

  private enum Letter: Sendable {
    case add(Subscription)
    case remove(Subscription)
  }

  static let shared = HostNotices()

  private let monitor = Monitor()
  /// The process whose thread it is: a forked child has none. Guarded by `monitor`, as the mailbox.
  private var owner: ProcessOwner?
  private var mailbox: Mailbox<Letter>?

  /// Calls the handler of each notice from now on.
  /// - Throws: `SystemError`: EMFILE, ENFILE, ENOMEM or EAGAIN: no descriptor or thread for it.
  func add(_ subscription: Subscription) throws(SystemError) {
    try running().post(.add(subscription))
  }

  /// Ends that; a handler may be running still.
  func remove(_ subscription: Subscription) {
    monitor.locked { owner?.isCurrent == true ? mailbox : nil }?.post(.remove(subscription))
  }

  private func running() throws(SystemError) -> Mailbox<Letter> {
    try monitor.locked { () throws(SystemError) in
      if let mailbox, owner?.isCurrent == true { return mailbox }
      let started = Start()
      try WorkerThread(name: "vfio notices", stackSize: 256 * 1024) { Self.serve(started) }.detach()
      let box = try started.box()
      mailbox = box
      owner = ProcessOwner()
      return box
    }
  }

  /// What the new thread says first: its mailbox, or why it has none.
  private final class Start: @unchecked Sendable {
    private let monitor = Monitor()
    private var result: Result<Mailbox<Letter>, SystemError>?

    func answer(_ result: Result<Mailbox<Letter>, SystemError>) {
      monitor.locked {
        self.result = result
        monitor.broadcast()
      }
    }

    func box() throws(SystemError) -> Mailbox<Letter> {
      let result = monitor.locked {
        monitor.wait { self.result == nil }
        return self.result
      }
      guard let result else { throw SystemError(0) }
      return try result.get()
    }
  }

  // MARK: On the thread

  private static func serve(_ start: Start) {
    let loop: EventLoop
    let watches = Watches()
    do throws(SystemError) {
      loop = try EventLoop()
      let box = try loop.mailbox(of: Letter.self) { letter in
        switch letter {
        case .add(let subscription): watches.add(subscription, to: loop)
        case .remove(let subscription): watches.remove(subscription, from: loop)
        }
      }
      start.answer(.success(box))
    } catch {
      return start.answer(.failure(error))
    }
    // Nothing ends the loop; a wait that a debugger interrupts begins again.
    while true { _ = try? loop.turn() }
  }

  /// The loop's registrations of each device.
  private final class Watches {
    private var all: [ObjectIdentifier: [EventLoop.Watch]] = [:]

    func add(_ subscription: Subscription, to loop: EventLoop) {
      let pairs = [(subscription.wanted, Notice.wanted), (subscription.failed, .failed)]
      all[ObjectIdentifier(subscription)] = pairs.compactMap { event, notice in
        try? loop.watch(event, for: .readable) { _ in
          _ = linux_event_drain(event.raw)
          subscription.handler(notice)
        }
      }
    }

    func remove(_ subscription: Subscription, from loop: EventLoop) {
      for watch in all.removeValue(forKey: ObjectIdentifier(subscription)) ?? [] {
        loop.unwatch(watch)
      }
    }
  }
}
