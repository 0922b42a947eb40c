import CFloor
import CInterruptSync
import CUIO
import Glibc
import InterruptSync

/// What the C interface adds to the core: a synchronized call, and a dispatch of a line that its own
/// service routine fires again.
enum SurfaceBenchmark {
  private static let rounds = 21
  private static let calls = 5_000
  private static let window: UInt64 = 40_000_000

  static func run(_ surface: CSurface, processor: Int, bar: Double) throws -> [Measurement] {
    floor_pin(Int32(processor))
    var call: ([Double], [Double]) = ([], [])
    for _ in 0..<rounds {
      let (ours, peer) = try callRound(surface)
      call.0.append(ours)
      call.1.append(peer)
    }
    let dispatch = try inTurns(
      { try surfaceDispatch(surface, processor) }, { try coreDispatch(processor) })
    return [
      Measurement(
        "synchronized call, C, against the core", ours: call.0, peer: call.1, unit: "ns/call",
        bar: bar),
      Measurement(
        "dispatch, C, against the core", ours: dispatch.0, peer: dispatch.1, unit: "ns/interrupt",
        bar: bar),
    ]
  }

  private static func inTurns(
    _ ours: () throws -> Double, _ peer: () throws -> Double
  ) rethrows -> ([Double], [Double]) {
    var results: ([Double], [Double]) = ([], [])
    for round in 0..<rounds {
      if round % 2 == 0 { results.0.append(try ours()) }
      results.1.append(try peer())
      if round % 2 != 0 { results.0.append(try ours()) }
    }
    return results
  }

  /// Fires the eventfd whose number is the context, so that the next read succeeds.
  private static let fire: InterruptSyncRoutine = { _, context in
    _ = linux_event_signal(Int32(Int(bitPattern: context)), 1)
    return 0
  }

  private static func context(_ fd: Int32) -> UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(bitPattern: Int(fd))
  }

  /// One round: short runs in turns, the fastest of each. A call is too short to be measured over
  /// whatever else the machine does in a longer one.
  private static func callRound(_ surface: CSurface) throws -> (Double, Double) {
    let core = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
    let (object, _, fd) = unsafe made(surface)
    defer {
      _ = unsafe surface.release(UnsafeMutableRawPointer(object))
      close(fd)
    }
    let routine = unsafe unsafeBitCast(
      floor_count as InterruptSyncRoutine, to: interruptsync_routine.self)
    var count: UInt64 = 0
    var best = (Double.infinity, Double.infinity)
    for _ in 0..<40 {
      let start = DispatchBenchmark.nanoseconds()
      for _ in 0..<calls { _ = unsafe surface.call(object, routine, &count, nil) }
      let middle = DispatchBenchmark.nanoseconds()
      for _ in 0..<calls { _ = unsafe core.callSynchronizedRoutine(floor_count, context: &count) }
      let end = DispatchBenchmark.nanoseconds()
      best.0 = min(best.0, Double(middle - start) / Double(calls))
      best.1 = min(best.1, Double(end - middle) / Double(calls))
    }
    return best
  }

  private static func coreDispatch(_ processor: Int) throws -> Double {
    let fd = linux_event_create()
    defer { close(fd) }
    let object = InterruptSyncObject(
      source: try FileDescriptorLine(fd, format: .eventCounter), mode: .all,
      options: InterruptSyncOptions(dispatcher: DispatcherAttributes(processors: [processor])))
    unsafe try object.registerServiceRoutine(fire, context: context(fd))
    try object.connect()
    defer { try? object.disconnect() }
    _ = linux_event_signal(fd, 1)
    return pace { object.dispatchCount }
  }

  private static func surfaceDispatch(_ surface: CSurface, _ processor: Int) throws -> Double {
    var attributes = unsafe interruptsync_thread_attributes()
    unsafe attributes.size = MemoryLayout<interruptsync_thread_attributes>.size
    unsafe withUnsafeMutableBytes(of: &attributes.processors) { bytes in
      unsafe bytes[processor / 8] = 1 << UInt8(processor % 8)
    }
    let (object, _, fd) = unsafe withUnsafePointer(to: &attributes) { unsafe made(surface, $0) }
    defer {
      _ = unsafe surface.disconnect(object)
      _ = unsafe surface.release(UnsafeMutableRawPointer(object))
      close(fd)
    }
    let routine = unsafe unsafeBitCast(fire, to: interruptsync_routine.self)
    _ = unsafe surface.register(object, routine, context(fd), 0, nil)
    _ = unsafe surface.connect(object)
    _ = linux_event_signal(fd, 1)
    return pace {
      var now = interruptsync_statistics()
      now.size = MemoryLayout<interruptsync_statistics>.size
      _ = unsafe surface.statistics(object, &now)
      return now.dispatches
    }
  }

  /// An object over an eventfd.
  private static func made(
    _ surface: CSurface, _ attributes: UnsafePointer<interruptsync_thread_attributes>? = nil
  ) -> (OpaquePointer?, OpaquePointer?, Int32) {
    let fd = linux_event_create()
    var line: OpaquePointer?
    var object: OpaquePointer?
    var options = unsafe interruptsync_object_options()
    unsafe options.size = MemoryLayout<interruptsync_object_options>.size
    unsafe options.dispatcher = unsafe attributes
    let result = unsafe surface.line(fd, 0, 0, nil, &line)
    precondition(result == 0, "cannot create a line")
    let second = unsafe surface.create(line, 2, &options, &object)
    precondition(second == 0, "cannot create an object")
    _ = unsafe surface.release(UnsafeMutableRawPointer(line))
    return unsafe (object, line, fd)
  }

  private static func pace(_ count: () -> UInt64) -> Double {
    usleep(2000)
    let start = (count(), DispatchBenchmark.nanoseconds())
    usleep(useconds_t(window / 1000))
    let end = (count(), DispatchBenchmark.nanoseconds())
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }
}
