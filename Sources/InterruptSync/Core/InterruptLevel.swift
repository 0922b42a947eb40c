// Room Core: the level of the calling thread, which the C shim keeps in thread-local memory. The
// rooms Object, Serving and Deferred and the daemon's DriverHost ask for it before calls that may
// wait, drivers where they like. Any thread, each its own level; no lock. Not set here: enter and
// leave of the lock (cuio_lock.h, InterruptLock), the deferred queue's thread and the Windows layer
// set it.
import CUIO

/// The level at which the calling thread runs. A check on the caller, not the exclusion itself,
/// which is the lock's (N23, S19).
public enum InterruptLevel: Int32, Comparable, Sendable, CustomStringConvertible {
  /// Ordinary code: may block, connect, disconnect and register.
  case passive = 0
  /// Deferred routines.
  case dispatch = 2
  /// Service routines and synchronized routines, under the interrupt lock.
  case device = 3

  /// The calling thread's level. Surfaces with finer levels set others: levels from 3 on are DIRQL,
  /// and level 1 is PASSIVE_LEVEL here.
  public static var current: InterruptLevel {
    switch cuio_thread_level() {
    case ..<2: .passive
    case 2: .dispatch
    default: .device
    }
  }

  /// Orders as IRQLs do: PASSIVE, DISPATCH, DIRQL.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// PASSIVE_LEVEL, DISPATCH_LEVEL or DIRQL, as messages name the level.
  public var description: String {
    switch self {
    case .passive: "PASSIVE_LEVEL"
    case .dispatch: "DISPATCH_LEVEL"
    case .device: "DIRQL"
    }
  }
}
