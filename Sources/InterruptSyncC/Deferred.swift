// interruptsync/deferred.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import InterruptSync

@c @implementation
public func interruptsync_queue_create(
  _ name: UnsafePointer<CChar>?, _ attributes: UnsafePointer<interruptsync_thread_attributes>?,
  _ queue: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard unsafe queue != nil else { throw Failure.noRoom("queue") }
    let name = unsafe name.map { unsafe String(cString: $0) } ?? "deferred"
    let made = unsafe try DeferredQueue(name: name, attributes: DispatcherAttributes(attributes))
    unsafe try made.give(to: queue)
    return 0
  }
}

@c @implementation
public func interruptsync_queue_flush(_ queue: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try DeferredQueue.of(queue).flush()
    return 0
  }
}

@c @implementation
public func interruptsync_deferred_create(
  _ queue: OpaquePointer?, _ routine: interruptsync_deferred_routine?,
  _ context: UnsafeMutableRawPointer?, _ deferred: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let queue = unsafe try DeferredQueue.of(queue)
    guard let routine = unsafe routine else { throw Failure.invalid("the routine is NULL") }
    unsafe try DeferredRoutine(on: queue, routine, context: context).give(to: deferred)
    return 0
  }
}

@c @implementation
public func interruptsync_deferred_enqueue(
  _ deferred: OpaquePointer?, _ argument1: UnsafeMutableRawPointer?,
  _ argument2: UnsafeMutableRawPointer?
) -> Int32 {
  attempt { unsafe try DeferredRoutine.of(deferred).enqueue(argument1, argument2) ? 1 : 0 }
}

@c @implementation
public func interruptsync_deferred_remove(_ deferred: OpaquePointer?) -> Int32 {
  attempt { unsafe try DeferredRoutine.of(deferred).remove() ? 1 : 0 }
}
