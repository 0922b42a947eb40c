// The C interface: sequences of calls with handles that live, have ended, are of another kind, or are none. Each
// call answers 0, a state, or a negative errno, and nothing else happens; at the end every handle is released.
import CInterruptSync
import CLinuxSystem
import Glibc
import InterruptSyncC

extension Target {
  static func calls(_ bytes: [UInt8]) {
    var calls = Calls(bytes: bytes[...])
    while calls.next() {}
    calls.end()
  }
}

private struct Calls {
  var bytes: ArraySlice<UInt8>
  /// Every handle that was made. A released one stays.
  var handles: [OpaquePointer?] = [nil]
  /// References that the program has.
  var references: [OpaquePointer: Int] = [:]
  let event = linux_event_create()

  private mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }
  private mutating func handle() -> OpaquePointer? { handles[Int(byte()) % handles.count] }

  private mutating func keep(_ result: CInt, _ handle: OpaquePointer?) {
    Target.expect(result <= 0, "a call that makes something answers \(result)")
    guard result == 0 else { return }
    guard let handle else { fatalError("0 without a handle") }
    handles.append(handle)
    references[handle, default: 0] += 1
  }

  private static let routine: interruptsync_routine = { object, _ in
    // Inside a routine: refused, and no deadlock.
    _ = interruptsync_object_disconnect(object)
    return 0
  }

  mutating func next() -> Bool {
    guard let operation = bytes.popFirst(), handles.count < 24 else { return false }
    var made: OpaquePointer?
    switch operation % 20 {
    case 0: keep(interruptsync_line_software(byte() % 2 == 0 ? nil : "line", &made), made)
    case 1:
      keep(interruptsync_line_descriptor(event, UInt32(byte() % 3), 0, nil, &made), made)
    case 2:
      keep(interruptsync_object_create(handle(), UInt32(byte() % 5), nil, &made), made)
    case 3:
      let object = handle()
      keep(
        interruptsync_object_register(object, Self.routine, nil, UInt32(byte() % 3), &made), made)
    case 4: _ = interruptsync_registration_cancel(handle())
    case 5: _ = interruptsync_object_connect(handle())
    case 6:
      let object = handle()
      _ = interruptsync_object_connect_to(object, handle())
    case 7: _ = interruptsync_object_disconnect(handle())
    case 8: _ = interruptsync_line_trigger(handle(), UInt64(byte()))
    case 9:
      var status: Int32 = 0
      _ = interruptsync_object_call(handle(), Self.routine, nil, &status)
    case 10: _ = interruptsync_object_get_state(handle())
    case 11: _ = interruptsync_object_resume(handle())
    case 12: keep(interruptsync_lock_create(&made), made)
    case 13: keep(interruptsync_object_get_lock(handle(), &made), made)
    case 14: _ = interruptsync_lock_is_held(handle())
    case 15: keep(interruptsync_queue_create(nil, nil, &made), made)
    case 16:
      keep(interruptsync_deferred_create(handle(), { _, _, _ in }, nil, &made), made)
    case 17:
      let deferred = handle()
      _ =
        byte() % 2 == 0
        ? interruptsync_deferred_enqueue(deferred, nil, nil)
        : interruptsync_deferred_remove(deferred)
    case 18: keep(interruptsync_group_create(nil, nil, nil, nil, &made), made)
    default: release(handle())
    }
    return true
  }

  private mutating func release(_ handle: OpaquePointer?) {
    let result = interruptsync_release(UnsafeMutableRawPointer(handle))
    let count = handle.flatMap { references[$0] } ?? 0
    Target.expect(
      result == (count > 0 ? 0 : -EINVAL), "release of a handle with \(count) references: \(result)"
    )
    if let handle, count > 0 { references[handle] = count - 1 }
  }

  /// Gives everything back.
  mutating func end() {
    for (handle, count) in references {
      for _ in 0..<count { release(handle) }
      Target.expect(
        interruptsync_release(UnsafeMutableRawPointer(handle)) == -EINVAL, "a handle that stays")
    }
    close(event)
  }
}
