// Room Swift: the object of this module for drivers in Swift. The untyped object beneath does the
// work; this type keeps the state where only the holder of the interrupt lock reaches it. Drivers
// call it on any thread; each call says at which level. It takes no lock of its own: those of
// LifeCycle.swift.

/// An interrupt sync object with the state that its routines share.
///
/// The state is reachable only as `inout State` inside a service routine and inside `synchronize`,
/// both of which run under the interrupt lock: a data race on it does not compile. Values that go
/// in are sent (no code outside keeps a reference to them) and values that come out are `Sendable`.
///
/// ```swift
/// let serial = Interrupt(Received(), source: line, mode: .normal)
/// try serial.register { received in
///   received.count += 1
///   return .claimed
/// }
/// try serial.connect()
/// let count = try serial.synchronize { $0.count }
/// ```
///
/// The lives of the object, and what is allowed in each, are those of `InterruptSyncObject`. The
/// last release disconnects (N12); the state is destroyed when the dispatcher has left permanently.
@safe public final class Interrupt<State: ~Copyable>: @unchecked Sendable {
  /// The untyped object beneath, for what does not touch the state: the kernel-interrupt handle,
  /// the lock, the name.
  public let object: InterruptSyncObject
  /// Owned by the object's storage.
  @usableFromInline let pointer: UnsafeMutablePointer<State>
  /// The thread of the async calls, started by the first of them.
  let worker: AsyncWorker

  /// Makes an object with its state; nothing is connected yet. Any thread, any level.
  ///
  /// - Parameters:
  ///   - initial: moved in; what it refers to cannot be used outside any more.
  ///   - source: the line; `connect(to:)` can change it later.
  ///   - mode: how an interrupt walks the routines, fixed for life (P4).
  ///   - lock: nil makes one; give several objects the same to exclude their routines from one
  ///     another (K7).
  ///   - name: for messages; nil takes the line's.
  ///   - options: storm brake, dispatcher thread, report handler.
  public init(
    _ initial: consuming sending State, source: any InterruptSource, mode: InterruptSyncMode,
    lock: InterruptLock? = nil, name: String? = nil,
    options: InterruptSyncOptions = InterruptSyncOptions()
  ) {
    let box = StateBox(initial)
    object = InterruptSyncObject(
      source: source, mode: mode, lock: lock, name: name, options: options)
    object.storage.attachment = box
    unsafe pointer = unsafe box.pointer
    worker = AsyncWorker(name: object.name)
  }

  /// For messages.
  public var name: String { object.name }
  /// How an interrupt walks the routines (P4).
  public var mode: InterruptSyncMode { object.mode }
  /// The interrupt lock, to be given to other objects and to an `InterruptExecutor` (K7).
  public var lock: InterruptLock { object.lock }
  /// The life the object is in. Any thread, any level.
  public var state: InterruptSyncObject.State { object.state }

  /// Connects to the line the object was made with or connected to last (P21). Service routines may
  /// run before this returns (P22).
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wouldDeadlock`, `wrongLevel`, `alreadyConnected` (the connection stays as it is,
  ///   N9), `noServiceRoutines`, `lineBusy`, `removed`, `lineFailed`, `resourcesExhausted`.
  public func connect() throws(InterruptSyncError) { try object.connect() }

  /// Connects to another line, for instance to the new instance of a device that was replugged.
  /// State, routines, lock and statistics stay. Level and errors as `connect()`.
  public func connect(to source: any InterruptSource) throws(InterruptSyncError) {
    try object.connect(to: source)
  }

  /// Masks the line, waits until no routine runs, and ends the dispatcher (N11). The routines stay
  /// (P24). Does nothing on an object that is not connected (P26).
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wouldDeadlock` from inside one of the object's routines, `wrongLevel`.
  public func disconnect() throws(InterruptSyncError) { try object.disconnect() }

  /// Re-arms a line that a storm left masked, or ends a pause early (N20). Any thread.
  public func resumeAfterStorm() { object.resumeAfterStorm() }

  /// Counters so far. Any thread, any level; takes no lock that a routine can hold.
  public func statistics() -> InterruptStatistics { object.statistics() }

  /// How often times of which length came; nil unless the option `histograms` is set, or
  /// `object.keepHistograms()` was called. Any thread at PASSIVE_LEVEL; takes no lock that a routine
  /// can hold.
  public func histogram(
    of quantity: InterruptHistogram.Quantity, over period: InterruptHistogram.Period = .start
  ) -> InterruptHistogram? { object.histogram(of: quantity, over: period) }
}

/// Owns the memory of an `Interrupt`'s state. Owned in turn by the sync storage, which outlives
/// the last dispatcher, so that the state is destroyed only after the last routine has left (N12).
@safe final class StateBox<State: ~Copyable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<State>

  init(_ initial: consuming sending State) {
    unsafe pointer = .allocate(capacity: 1)
    unsafe pointer.initialize(to: initial)
  }

  deinit {
    unsafe pointer.deinitialize(count: 1)
    unsafe pointer.deallocate()
  }
}
