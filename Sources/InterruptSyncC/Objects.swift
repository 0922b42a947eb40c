// Floor 5. interruptsync/object.h: sync objects, from creation to the synchronized call. Programs
// in C call it on any thread. `object_call` finds the handle's target, the object's entry, and runs
// its routine there under the interrupt lock, at any level up to DEVICE. The calls that make,
// register, connect and disconnect come at PASSIVE level, without that lock; a routine may cancel
// its own registration.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
public import CInterruptSync
import CUIO
import Glibc
import InterruptSync

extension StormPolicy {
  init(_ given: interruptsync_object_options) throws(Failure) {
    self = .standard
    switch unsafe given.storm_limit {
    case 0: break
    case .max: limit = 0
    default: limit = unsafe given.storm_limit
    }
    switch unsafe given.storm_share {
    case 0: break
    case .max: share = 0
    case 1...100: share = unsafe given.storm_share
    default: throw .invalid("storm_share is at most 100, or INTERRUPTSYNC_ANY_SHARE")
    }
    if unsafe given.storm_stays_masked {
      action = .stayMasked
      return
    }
    let first = unsafe given.storm_first_pause == 0 ? 10 : given.storm_first_pause
    let longest = unsafe given.storm_longest_pause == 0 ? 1000 : given.storm_longest_pause
    guard first <= longest, longest <= 3_600_000 else {
      throw .invalid("the pauses of a storm must not shrink, and last at most an hour")
    }
    action = .backOff(first: .milliseconds(first), longest: .milliseconds(longest))
  }
}

extension InterruptSyncOptions {
  init(_ given: interruptsync_object_options, handle: OpaquePointer) throws(Failure) {
    let storm = unsafe try StormPolicy(given)
    let attributes = unsafe try DispatcherAttributes(given.dispatcher)
    self.init(
      storm: storm, acceptsAnySuccess: unsafe given.accepts_any_success,
      connectsWithoutRoutines: unsafe given.connects_without_routines, dispatcher: attributes)
    if let group = unsafe given.group { self.group = unsafe try DispatcherGroup.of(group) }
    switch unsafe given.repeat_limit {
    case 0: break
    case .max: repeatLimit = 0
    default: repeatLimit = unsafe given.repeat_limit
    }
    if let handler = unsafe given.report {
      let sink = unsafe ReportSink(
        object: handle, handler: handler, context: unsafe given.report_context)
      report = { sink.send($0) }
    }
  }
}

@c @implementation
public func interruptsync_object_create(
  _ line: OpaquePointer?, _ mode: UInt32, _ options: UnsafePointer<interruptsync_object_options>?,
  _ object: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard let out = unsafe object else { throw Failure.noRoom("object") }
    let line = unsafe try LineBox.of(line)
    guard let mode = InterruptSyncMode(rawValue: Int32(bitPattern: mode)) else {
      throw Failure.invalid("\(mode) is not a mode")
    }
    let given = unsafe try options.map { options throws(Failure) in unsafe try take(options) }
    let lock = unsafe try given?.lock.map { lock throws(Failure) in
      unsafe try InterruptLock.of(lock)
    }
    // Reports and routines name the object by its handle, which therefore comes first.
    let handle = unsafe try InterruptSyncObject.reserveHandle()
    do throws(Failure) {
      let name = unsafe given?.name.map { unsafe String(cString: $0) }
      let choices = unsafe try given.map { given throws(Failure) in
        unsafe try InterruptSyncOptions(given, handle: OpaquePointer(handle))
      }
      let made = InterruptSyncObject(
        source: line.source, mode: mode, lock: lock, name: name,
        options: choices ?? InterruptSyncOptions())
      unsafe made.setObjectPointer(handle)
      unsafe handle_publish(handle, Unmanaged.passRetained(made).toOpaque(), made.entry)
    } catch {
      var nothing: UnsafeMutableRawPointer?
      _ = unsafe handle_release(handle, &nothing)
      throw error
    }
    unsafe out.pointee = OpaquePointer(handle)
    return 0
  }
}

@c @implementation
public func interruptsync_object_register(
  _ object: OpaquePointer?, _ routine: interruptsync_routine?, _ context: UnsafeMutableRawPointer?,
  _ flags: UInt32, _ registration: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    guard let routine = unsafe routine else { throw Failure.invalid("the routine is NULL") }
    guard flags & ~1 == 0 else { throw Failure.invalid("unknown flags \(flags)") }
    // The handle is the object pointer of the core: the routine itself stands in the list.
    let made = unsafe try object.registerServiceRoutine(
      unsafeBitCast(routine, to: InterruptSyncRoutine.self), context: context,
      first: flags & 1 != 0)
    guard unsafe registration != nil else { return 0 }
    do throws(Failure) { unsafe try made.give(to: registration) } catch {
      made.cancel()
      throw error
    }
    return 0
  }
}

@c @implementation
public func interruptsync_registration_cancel(_ registration: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try ServiceRoutineRegistration.of(registration).cancel()
    return 0
  }
}

@c @implementation
public func interruptsync_object_connect(_ object: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try InterruptSyncObject.of(object).connect()
    return 0
  }
}

@c @implementation
public func interruptsync_object_connect_to(_ object: OpaquePointer?, _ line: OpaquePointer?)
  -> Int32
{
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    unsafe try object.connect(to: LineBox.of(line).source)
    return 0
  }
}

@c @implementation
public func interruptsync_object_disconnect(_ object: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try InterruptSyncObject.of(object).disconnect()
    return 0
  }
}

@c @implementation
public func interruptsync_object_get_state(_ object: OpaquePointer?) -> Int32 {
  attempt {
    switch unsafe try InterruptSyncObject.of(object).state {
    case .disconnected: Int32(INTERRUPTSYNC_DISCONNECTED)
    case .connected: Int32(INTERRUPTSYNC_CONNECTED)
    case .storming: Int32(INTERRUPTSYNC_STORMING)
    case .ended: Int32(INTERRUPTSYNC_ENDED)
    }
  }
}

@c @implementation
public func interruptsync_object_resume(_ object: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try InterruptSyncObject.of(object).resumeAfterStorm()
    return 0
  }
}

// MARK: Synchronized calls

@c @implementation
public func interruptsync_object_call(
  _ object: OpaquePointer?, _ routine: interruptsync_routine?, _ context: UnsafeMutableRawPointer?,
  _ status: UnsafeMutablePointer<Int32>?
) -> Int32 {
  guard
    let target = unsafe handle_target(UnsafeRawPointer(object)),
    let routine = unsafe routine
  else { return notCallable(#function, "object") }
  let entry = unsafe target.assumingMemoryBound(to: cuio_entry.self)
  // Read before the call: the routine may release the object's last reference (N12).
  let lock = unsafe entry.pointee.lock
  let level = unsafe cuio_lock_enter(lock, &entry.pointee.calls)
  guard level >= 0 else { return unsafe callRefused(object, level) }
  let own = unsafe cuio_call(
    unsafeBitCast(routine, to: cuio_routine.self), entry.pointee.object, context)
  unsafe cuio_lock_leave(lock, level)
  if let status = unsafe status { unsafe status.pointee = own }
  return 0
}

@inline(never)
private func callRefused(_ handle: OpaquePointer?, _ result: Int32) -> Int32 {
  attempt("interruptsync_object_call") {
    throw unsafe try InterruptSyncObject.of(handle).callRefusal(result)
  }
}

@inline(never)
func notCallable(_ function: String, _ name: String) -> Int32 {
  attempt(function) {
    throw Failure.invalid("not a live handle of an \(name), or the routine is NULL")
  }
}
