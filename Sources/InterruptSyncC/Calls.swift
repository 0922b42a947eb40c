// Synchronized calls: the core's, with the handle looked up before and nothing else in between.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
public import CInterruptSync
import Glibc
import InterruptSync

@c @implementation
public func interruptsync_object_call(
  _ object: OpaquePointer?, _ routine: interruptsync_routine?, _ context: UnsafeMutableRawPointer?,
  _ status: UnsafeMutablePointer<Int32>?
) -> Int32 {
  guard
    let target = unsafe handle_target(UnsafeRawPointer(object), InterruptSyncObject.handleKind),
    let routine = unsafe routine
  else { return notCallable(#function, "object") }
  let result = unsafe callEntry(
    target, unsafeBitCast(routine, to: InterruptSyncRoutine.self), context: context, status: status)
  return result == 0 ? 0 : unsafe callRefused(object, result)
}

@inline(never)
private func callRefused(_ handle: OpaquePointer?, _ result: Int32) -> Int32 {
  attempt("interruptsync_object_call") {
    throw unsafe try InterruptSyncObject.of(handle).callRefusal(result)
  }
}

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

@inline(never)
private func notCallable(_ function: String, _ name: String) -> Int32 {
  attempt(function) {
    throw Failure.invalid("not a live handle of an \(name), or the routine is NULL")
  }
}
