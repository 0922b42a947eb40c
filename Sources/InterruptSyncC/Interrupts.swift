// Floor 5. interruptsync/interrupt.h and statistics.h: the interrupt of one connection, the lock,
// the counters. Programs in C call it on any thread at any level. The synchronized call and the
// repair of a lock take the interrupt lock and run their routine under it, on the caller's thread
// at DEVICE level. To read a counter takes no lock that a routine can hold.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
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
public func interruptsync_lock_repair(
  _ lock: OpaquePointer?, _ routine: interruptsync_repair?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
  attempt {
    let lock = unsafe try InterruptLock.of(lock)
    let isRepaired = lock.repair { if let routine = unsafe routine { unsafe routine(context) } }
    guard !isRepaired else { return 0 }
    guard !lock.isHeldByCaller else {
      throw Failure(number: EDEADLK, text: "the calling thread is inside a routine of this lock")
    }
    throw Failure.invalid("no thread has ended inside a routine of this lock")
  }
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
      spins_in_vain: now.spinsInVain, sleeps: now.sleeps,
      claimed_storms: now.claimedStorms)
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

// MARK: Synchronized calls through an interrupt

@c @implementation
public func interruptsync_interrupt_synchronize(
  _ interrupt: OpaquePointer?, _ routine: interruptsync_execution?,
  _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<Bool>?
) -> Int32 {
  guard let named = unsafe handle_object(UnsafeRawPointer(interrupt), KInterrupt.handleKind),
    let routine = unsafe routine
  else { return notCallable(#function, "interrupt") }
  // The routine may release the interrupt, which then lasts until the call has ended.
  let outer = handle_call_begins()
  let answer = unsafe Unmanaged<KInterrupt>.fromOpaque(named)._withUnsafeGuaranteedRef {
    interrupt -> Int32 in
    do throws(InterruptSyncError) {
      // A C bool is a byte of 0 or 1.
      let own = unsafe try interrupt.synchronizeExecution(
        unsafeBitCast(routine, to: KInterrupt.Routine.self), context: context)
      if let result = unsafe result { unsafe result.pointee = own }
      return 0
    } catch { return fail(error.number, error.description) }
  }
  if handle_call_ends(outer) { releaseEnded() }
  return answer
}
