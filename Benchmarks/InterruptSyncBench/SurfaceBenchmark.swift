import CFloor
import CInterruptSync
import CUIO
import Glibc
import InterruptSync

/// What the C interface adds to the core: a synchronized call, and a dispatch of a line that its own
/// service routine fires again.
enum SurfaceBenchmark {
  private static let calls: UInt64 = 5_000
  private static let window: useconds_t = 8_000

  static func run(_ surface: CSurface, processor: Int, bar: Double) throws -> [Measurement] {
    floor_pin(Int32(processor))
    return [
      try call(surface, bar),
      try Rounds().compare("dispatch, C, against the core", unit: "ns/interrupt", bar: bar) {
        try surfaceDispatch(surface, processor)
      } against: {
        try coreDispatch(processor)
      },
    ]
  }

  /// Fires the eventfd whose number is the context, so that the next read succeeds.
  private static let fire: InterruptSyncRoutine = { _, context in
    _ = linux_event_signal(Int32(Int(bitPattern: context)), 1)
    return 0
  }

  private static func context(_ fd: Int32) -> UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(bitPattern: Int(fd))
  }

  private static func call(_ surface: CSurface, _ bar: Double) throws -> Measurement {
    let core = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
    let (object, _, fd) = unsafe made(surface)
    defer {
      _ = unsafe surface.release(UnsafeMutableRawPointer(object))
      close(fd)
    }
    let routine = unsafe unsafeBitCast(
      floor_count as InterruptSyncRoutine, to: interruptsync_routine.self)
    var count: UInt64 = 0
    return Rounds(turns: 40).compare(
      "synchronized call, C, against the core", unit: "ns/call", bar: bar
    ) {
      Rounds.each(calls) {
        for _ in 0..<$0 { _ = unsafe surface.call(object, routine, &count, nil) }
      }
    } against: {
      Rounds.each(calls) {
        for _ in 0..<$0 { _ = unsafe core.callSynchronizedRoutine(floor_count, context: &count) }
      }
    }
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
    return Rounds.pace(window) { object.dispatchCount }
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
    return Rounds.pace(window) {
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
}
