// Room Serving: the end of the process while objects are connected and deferred routines are
// queued. exit(3) destroys, one after the other, what routines work with, and the library's threads
// run on meanwhile. So the exiting thread comes here first. LifeCycle and DeferredQueue enter and
// leave the list, on the caller's thread. A monitor guards it; each `endWithProcess` runs without
// it, and waits for an interrupt lock only so long.
import CUIO
import Glibc
import LinuxSystem
import Synchronization

/// Calls routines, and must call none once the process has begun to end.
protocol EndsWithProcess: AnyObject, Sendable {
  /// Returns when no routine runs any more and none will, or after `ProcessEnd.patience`. On the
  /// exiting thread, which may be inside a routine.
  func endWithProcess()
  /// Its routines may queue others: it ends first.
  var endsFirst: Bool { get }
}

enum ProcessEnd {
  /// For a routine that runs when the process begins to end.
  static let patience = Duration.milliseconds(100)

  private static let monitor = Monitor()
  /// The generation of the process whose things these are.
  private static let owner = Atomic<UInt32>(ProcessOwner().generation)
  nonisolated(unsafe) private static var watched: [UnsafeRawPointer: Unmanaged<AnyObject>] =
    unsafe [:]

  /// Keeps `new` until it is forgotten. What exit(3) destroys after this call has been destroyed
  /// when routines were told to end: all that was made before it.
  static func watch(_ new: any EndsWithProcess) {
    enterProcess()
    monitor.locked { unsafe watched[key(new)] = Unmanaged.passRetained(new) }
    linux_process_on_exit { ProcessEnd.begin() }
  }

  static func forget(_ old: any EndsWithProcess) {
    enterProcess()
    let kept = unsafe monitor.locked { unsafe watched.removeValue(forKey: key(old)) }
    unsafe kept?.release()
  }

  private static func key(_ object: any EndsWithProcess) -> UnsafeRawPointer {
    unsafe UnsafeRawPointer(Unmanaged<AnyObject>.passUnretained(object).toOpaque())
  }

  /// A forked child begins with nothing: its parent's objects are not its to end, and not to free.
  private static func enterProcess() {
    let current = ProcessOwner().generation
    guard owner.exchange(current, ordering: .relaxed) != current else { return }
    monitor.reinitialize()
    unsafe watched = [:]
  }

  private static func begin() {
    guard ProcessOwner(generation: owner.load(ordering: .relaxed)).isCurrent else { return }
    let all = monitor.locked {
      unsafe watched.values.compactMap { unsafe $0.takeUnretainedValue() as? any EndsWithProcess }
    }
    for ending in all where ending.endsFirst { ending.endWithProcess() }
    for ending in all where !ending.endsFirst { ending.endWithProcess() }
  }
}
