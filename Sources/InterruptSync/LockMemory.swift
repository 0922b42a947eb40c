// Where locks live. The memory of a lock that has ended stays a lock's: who found the address of one
// through a handle may acquire it and then see, holding it, whether the handle still leads here.
import CUIO
import LinuxSystem

enum LockMemory {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var ended: [UnsafeMutablePointer<cuio_lock>] = unsafe []

  /// A free lock.
  static func take() -> UnsafeMutablePointer<cuio_lock> {
    let again = unsafe monitor.locked { () -> UnsafeMutablePointer<cuio_lock>? in
      // One may still be held: for a moment by a caller who came too late, for as long as it runs by
      // a routine that let go of its own object, or for ever by a thread that died with it.
      guard let index = unsafe ended.lastIndex(where: { unsafe !cuio_lock_is_held($0) }) else {
        return nil
      }
      return unsafe ended.remove(at: index)
    }
    if let again = unsafe again {
      unsafe cuio_counter_set(&again.pointee.contentions, 0)
      unsafe cuio_counter_set(&again.pointee.longest_wait, 0)
      return unsafe again
    }
    // Apart: dispatchers of other objects on other processors write theirs.
    let made: UnsafeMutablePointer<cuio_lock> = unsafe CacheLine.allocate()
    unsafe made.initialize(to: cuio_lock())
    return unsafe made
  }

  static func giveBack(_ lock: UnsafeMutablePointer<cuio_lock>) {
    monitor.locked { unsafe ended.append(lock) }
  }
}
