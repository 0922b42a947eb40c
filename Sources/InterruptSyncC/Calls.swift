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
    let named = unsafe handle_object(UnsafeRawPointer(object), InterruptSyncObject.handleKind),
    let routine = unsafe routine
  else { return notCallable(#function, "object") }
  // The routine may release the object: it then lasts until the call has ended.
  handle_call_begins()
  let result = unsafe Unmanaged<InterruptSyncObject>.fromOpaque(named)._withUnsafeGuaranteedRef {
    object -> Int32 in
    do throws(InterruptSyncError) {
      let own = unsafe try object.callEntry(
        unsafeBitCast(routine, to: InterruptSyncRoutine.self), context: context)
      if let status = unsafe status { unsafe status.pointee = own }
      return 0
    } catch { return fail(error.number, error.description) }
  }
  if handle_call_ends() { releaseEnded() }
  return result
}

@c @implementation
public func interruptsync_interrupt_synchronize(
  _ interrupt: OpaquePointer?, _ routine: interruptsync_execution?,
  _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<Bool>?
) -> Int32 {
  guard let named = unsafe handle_object(UnsafeRawPointer(interrupt), KInterrupt.handleKind),
    let routine = unsafe routine
  else { return notCallable(#function, "interrupt") }
  handle_call_begins()
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
  if handle_call_ends() { releaseEnded() }
  return answer
}

@inline(never)
private func notCallable(_ function: String, _ name: String) -> Int32 {
  attempt(function) {
    throw Failure.invalid("not a live handle of an \(name), or the routine is NULL")
  }
}
