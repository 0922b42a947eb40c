import CFloor

/// A loop in C.
@safe final class FloorServer: Server {
  let name: String
  let target: Target
  let waiter: OpaquePointer

  init(
    _ name: String, _ target: Target, _ kind: waiter_kind, mutex: waiter_mutex = WAITER_PI,
    _ place: placement
  ) throws {
    self.name = name
    self.target = target
    let contexts: [UnsafeMutableRawPointer?] = unsafe (0..<target.routines).map {
      unsafe target.context(line: 0, routine: $0)
    }
    guard
      let waiter = unsafe waiter_start(
        target.lines, kind, mutex, probe_stamp, contexts, Int32(target.routines), place)
    else { throw BenchmarkFailure("\(name): cannot create a thread") }
    unsafe self.waiter = unsafe waiter
  }

  deinit { unsafe waiter_stop(waiter) }

  var counted: UInt64? { unsafe waiter_counted(waiter) }
}
