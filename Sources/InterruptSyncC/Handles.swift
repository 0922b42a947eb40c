// Floor 5. The handles that C holds, and the counted references of Swift that they name. Programs
// in C call interruptsync_retain and interruptsync_release; every other file here resolves and
// makes handles. Any thread, any level, also with an interrupt lock held; the table (CHandleTable)
// looks a handle up without a lock. A last release may wait: PASSIVE level, without an interrupt
// lock.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
import CInterruptSync
import Glibc
import InterruptSync
import LinuxSystem
import UIO

/// An object that a handle can name. Kinds are odd, so that no address of the allocator's looks
/// like a handle.
protocol HandleNamed: AnyObject {
  static var handleKind: UInt32 { get }
  static var handleName: String { get }
  /// Takes the object over from a process that has ended, for the child that it became.
  /// - Throws: when that process lives, or the object is nothing without its thread.
  func takeOver(from owner: ProcessOwner) throws
}

extension HandleNamed {
  /// Keeps what `handle` names for as long as the caller needs it.
  static func of(_ handle: OpaquePointer?) throws(Failure) -> Self {
    guard let object = unsafe handle_object(UnsafeRawPointer(handle), handleKind) else {
      throw unsafe .notLive(handle == nil, handleName)
    }
    let named = unsafe Unmanaged<Self>.fromOpaque(object).takeUnretainedValue()
    let maker = unsafe handle_inherited_from(UnsafeRawPointer(handle))
    if maker != 0 { try inherited(named, maker) }
    return named
  }

  @inline(never)
  private static func inherited(_ named: Self, _ maker: UInt32) throws(Failure) {
    do { try named.takeOver(from: ProcessOwner(generation: maker)) } catch let error as Failure {
      throw error
    } catch { throw Failure(number: ECHILD, text: "\(error)") }
  }

  /// An object without a thread of its own goes on in the child.
  func takeOver(from owner: ProcessOwner) throws {
    guard owner.hasEnded else {
      throw Failure(
        number: ECHILD, text: "the \(Self.handleName): \(owner.cause)\n  hint: \(ProcessOwner.hint)"
      )
    }
  }

  /// Gives `self` a handle of one reference.
  func give(to out: UnsafeMutablePointer<OpaquePointer?>?) throws(Failure) {
    guard let out = unsafe out else { throw .noRoom(Self.handleName) }
    let handle = unsafe try Self.reserveHandle()
    unsafe handle_publish(handle, Unmanaged.passRetained(self).toOpaque(), nil)
    unsafe out.pointee = OpaquePointer(handle)
  }

  static func reserveHandle() throws(Failure) -> UnsafeMutableRawPointer {
    guard let handle = unsafe handle_reserve(handleKind) else {
      throw Failure(number: ENOMEM, text: "too many live handles")
    }
    return unsafe handle
  }
}

extension Failure {
  static func notLive(_ isNull: Bool, _ name: String) -> Failure {
    .invalid(isNull ? "the \(name) is NULL" : "not a live handle of a \(name)")
  }

  static func noRoom(_ name: String) -> Failure {
    .invalid("the out-parameter for the \(name) is NULL")
  }
}

/// An object that does nothing without its thread, which a forked child does not have.
protocol ThreadHandle: HandleNamed {}

extension ThreadHandle {
  func takeOver(from owner: ProcessOwner) throws {
    throw Failure(
      number: ECHILD,
      text: "the thread of the \(Self.handleName) is in \(owner.description)\n"
        + "  hint: make another in this process")
  }
}

extension UIODevice: HandleNamed {
  func takeOver(from owner: ProcessOwner) throws { try requireOwnProcess("use the device") }
  static var handleKind: UInt32 { 0xa1 }
  static var handleName: String { "device" }
}

extension RegisterRegion: HandleNamed {
  static var handleKind: UInt32 { 0xa3 }
  static var handleName: String { "region" }
}

extension InterruptSyncObject: HandleNamed {
  func takeOver(from owner: ProcessOwner) throws { try requireOwnProcess("use the object") }
  static var handleKind: UInt32 { 0xa7 }
  static var handleName: String { "object" }
}

extension ServiceRoutineRegistration: HandleNamed {
  static var handleKind: UInt32 { 0xa9 }
  static var handleName: String { "registration" }
}

extension KInterrupt: HandleNamed {
  static var handleKind: UInt32 { 0xab }
  static var handleName: String { "interrupt" }
}

extension InterruptLock: HandleNamed {
  static var handleKind: UInt32 { 0xad }
  static var handleName: String { "lock" }
}

extension DispatcherGroup: ThreadHandle {
  static var handleKind: UInt32 { 0xb3 }
  static var handleName: String { "group" }
}

extension DeferredQueue: ThreadHandle {
  static var handleKind: UInt32 { 0xaf }
  static var handleName: String { "queue" }
}

extension DeferredRoutine: ThreadHandle {
  static var handleKind: UInt32 { 0xb1 }
  static var handleName: String { "deferred routine" }
}

@c @implementation
public func interruptsync_retain(_ handle: UnsafeMutableRawPointer?) -> Int32 {
  let result = unsafe handle_retain(handle)
  return result == 0
    ? 0 : fail(-result, "interruptsync_retain: not a live handle, or too many references")
}

@c @implementation
public func interruptsync_release(_ handle: UnsafeMutableRawPointer?) -> Int32 {
  var object: UnsafeMutableRawPointer?
  guard unsafe handle_release(handle, &object) == 0 else {
    return fail(EINVAL, "interruptsync_release: not a live handle")
  }
  if let object = unsafe object { unsafe Unmanaged<AnyObject>.fromOpaque(object).release() }
  return 0
}

/// Releases the objects whose last handle ended inside a call through an interrupt handle.
@inline(never)
func releaseEnded() {
  while let object = unsafe handle_next_ended() {
    unsafe Unmanaged<AnyObject>.fromOpaque(object).release()
  }
}
