// Room Object: the object of this module, an interrupt line and a lock. Service routines run when
// the line fires, synchronized routines when a caller asks, and no two of them ever run at once.
// The room Swift, the C and Windows layers and the daemon call it on any thread; each call says at
// which level. The state is under the object's monitor, the routines under its interrupt lock. Its
// life is in LifeCycle.swift.
import CUIO
import LinuxSystem
import Synchronization

/// A service routine or synchronized routine (P6): sync object, context, NTSTATUS.
public typealias InterruptSyncRoutine =
  @convention(c) (_ object: UnsafeMutableRawPointer?, _ context: UnsafeMutableRawPointer?) -> Int32

/// An interrupt sync object (PortCls `IInterruptSync`, WDM interrupt object, `WDFINTERRUPT`) over a
/// line: the core that other tongues wrap, with the documents' names and NTSTATUS.
///
/// A driver in Swift uses the typed object in front, which keeps the routines' state under the
/// lock.
///
/// An object lives three lives. *Created*: routines may be registered, synchronized calls work.
/// *Connected*: a dispatcher thread reads the line, runs the routines under the lock and re-arms.
/// *Disconnected*: no routine runs, the list stays, and connecting again is unlimited. The last
/// release disconnects (N12).
public final class InterruptSyncObject: @unchecked Sendable {
  let storage: SyncStorage

  /// Makes an object; nothing is connected yet.
  ///
  /// - Parameters:
  ///   - source: the line; `connect(to:)` can change it later.
  ///   - mode: how an interrupt walks the routines, fixed for life (P4).
  ///   - lock: nil makes one; give several objects the same to exclude their routines from one
  ///     another (K7).
  ///   - name: for messages; nil takes the line's.
  ///   - options: storm brake, Repeat guard, dispatcher thread, report handler.
  public init(
    source: any InterruptSource, mode: InterruptSyncMode, lock: InterruptLock? = nil,
    name: String? = nil,
    options: InterruptSyncOptions = InterruptSyncOptions()
  ) {
    DeferredReclamation.reap()
    storage = SyncStorage(
      name: name ?? source.name, source: source, mode: mode, lock: lock ?? InterruptLock(),
      options: options)
    unsafe storage.core.value.entry.object = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit { storage.abandon() }

  /// For messages, and for the dispatcher's thread unless its attributes name it. Any thread, any
  /// level.
  public var name: String { storage.name }
  /// How an interrupt walks the routines, fixed for life (P4). Any thread, any level.
  public var mode: InterruptSyncMode { storage.core.value.mode }
  /// The interrupt lock, to be given to other objects and to an `InterruptExecutor` (K7). Any
  /// thread, any level.
  public var lock: InterruptLock { storage.lock }

  /// What routines get as their first argument instead of this object's address, for surfaces that
  /// wrap it (P6). Set it before the first routine can run.
  package func setObjectPointer(_ pointer: UnsafeMutableRawPointer?) {
    storage.holdingLock { unsafe storage.core.value.entry.object = pointer }
  }

  /// The life the object is in.
  public enum State: String, Sendable {
    /// Not connected, or not any more: no routine runs for an interrupt. Synchronized calls work
    /// (P34).
    case disconnected
    /// A dispatcher reads the line and runs the routines.
    case connected
    /// Connected and masked by the storm brake.
    case storming
    /// Still connected, but the line has gone; `disconnect()` or a new `connect(to:)` clears it. So
    /// is an object in a forked child, which has no thread for it.
    case ended
  }

  /// The life the object is in at this moment. Any thread, any level.
  public var state: State {
    guard storage.isOwnProcess, !storage.hasLostThread.load(ordering: .acquiring) else {
      return .ended
    }
    return storage.monitor.locked {
      guard storage.phase == .connected, let connection = storage.server?.connection else {
        return .disconnected
      }
      if connection.hasEnded { return .ended }
      return connection.isBraked ? .storming : .connected
    }
  }
}
