// interruptsync/interrupt.h but for its call, and interruptsync/statistics.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import Glibc
import InterruptSync

@c @implementation
public func interruptsync_object_get_interrupt(
  _ object: OpaquePointer?, _ interrupt: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    guard let present = object.getKInterrupt() else {
      throw Failure(number: ENOTCONN, text: "\(object.name) is not connected")
    }
    unsafe try present.give(to: interrupt)
    return 0
  }
}

@c @implementation
public func interruptsync_interrupt_is_valid(_ interrupt: OpaquePointer?) -> Int32 {
  attempt { unsafe try KInterrupt.of(interrupt).isValid ? 1 : 0 }
}

@c @implementation
public func interruptsync_lock_create(_ lock: UnsafeMutablePointer<OpaquePointer?>?) -> Int32 {
  attempt {
    unsafe try InterruptLock().give(to: lock)
    return 0
  }
}

@c @implementation
public func interruptsync_object_get_lock(
  _ object: OpaquePointer?, _ lock: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    unsafe try InterruptSyncObject.of(object).lock.give(to: lock)
    return 0
  }
}

@c @implementation
public func interruptsync_lock_is_held(_ lock: OpaquePointer?) -> Int32 {
  attempt { unsafe try InterruptLock.of(lock).isHeldByCaller ? 1 : 0 }
}

@c @implementation
public func interruptsync_object_get_statistics(
  _ object: OpaquePointer?, _ statistics: UnsafeMutablePointer<interruptsync_statistics>?
) -> Int32 {
  attempt {
    let now = unsafe try InterruptSyncObject.of(object).statistics()
    let answer = interruptsync_statistics(
      size: 0, interrupts: now.interrupts, dispatches: now.dispatches, coalesced: now.coalesced,
      claimed: now.claimed, unclaimed: now.unclaimed, passes: now.passes,
      rearm_failures: now.rearmFailures, storms: now.storms, repeat_limits: now.repeatLimits,
      synchronized_calls: now.synchronizedCalls, refused_calls: now.refusedCalls,
      longest_hold: now.longestHoldNanoseconds, longest_wait: now.longestWaitNanoseconds,
      routine_count: UInt64(now.routines.count), spins_found: now.spinsFound,
      spins_in_vain: now.spinsInVain, sleeps: now.sleeps)
    unsafe try give(answer, to: statistics)
    return 0
  }
}

@c @implementation
public func interruptsync_registration_get_statistics(
  _ registration: OpaquePointer?,
  _ statistics: UnsafeMutablePointer<interruptsync_registration_statistics>?
) -> Int32 {
  attempt {
    let now = unsafe try ServiceRoutineRegistration.of(registration).statistics
    unsafe try give(
      interruptsync_registration_statistics(size: 0, calls: now.calls, claims: now.claims),
      to: statistics)
    return 0
  }
}

@c @implementation
public func interruptsync_lock_get_statistics(
  _ lock: OpaquePointer?, _ statistics: UnsafeMutablePointer<interruptsync_lock_statistics>?
) -> Int32 {
  attempt {
    let lock = unsafe try InterruptLock.of(lock)
    unsafe try give(
      interruptsync_lock_statistics(
        size: 0, contentions: lock.contentions, longest_wait: lock.longestWait.inNanoseconds),
      to: statistics)
    return 0
  }
}
