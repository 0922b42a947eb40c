package import CUIO

/// The lock that makes service routines and synchronized routines exclude each other (N1).
///
/// Each object makes its own; give one lock to several objects and no two routines of any of them
/// run at once (K7). Priority-inheriting, not recursive, blocking (N6).
@safe public final class InterruptLock: @unchecked Sendable {
  package let raw: UnsafeMutablePointer<cuio_lock>

  /// A free lock, for several objects to share (K7); an object that is given none makes its own.
  public init() { unsafe raw = LockMemory.take() }

  deinit { unsafe LockMemory.giveBack(raw) }

  /// Whether the calling thread holds it.
  public var isHeldByCaller: Bool { unsafe cuio_lock_is_owned(raw) }

  /// Acquisitions that had to wait.
  public var contentions: UInt64 { unsafe cuio_counter_read(&raw.pointee.contentions) }

  /// Longest wait for it, in nanoseconds.
  public var longestWait: UInt64 {
    unsafe cuio_ticks_to_nanoseconds(cuio_counter_read(&raw.pointee.longest_wait))
  }
}
