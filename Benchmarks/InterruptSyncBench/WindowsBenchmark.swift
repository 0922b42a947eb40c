import CFloor
import CWindowsSurface
import Glibc
import InterruptSync

/// What Windows' shapes add to the core, in C++: a synchronized call, and a dispatch of a software
/// line whose routine raises the next interrupt.
enum WindowsBenchmark {
  private static let calls: UInt64 = 5_000
  private static let window: useconds_t = 8_000

  static func run(processor: Int, bar: Double) throws -> [Measurement] {
    floor_pin(Int32(processor))
    let shapes = [
      (WINDOWS_PORTCLS, "PortCls in C++"), (WINDOWS_WDM, "WDM in C++"),
      (WINDOWS_WDF, "WDF in C++"),
    ]
    return try shapes.flatMap { try measure($0.0, $0.1, bar: bar) }
  }

  private static func measure(_ shape: windows_shape, _ name: String, bar: Double) throws
    -> [Measurement]
  {
    guard let surface = unsafe windows_surface_create(shape) else { throw Refused(name: name) }
    defer { unsafe windows_surface_destroy(surface) }
    let core = try CorePeer()
    return [
      Rounds(turns: 40).compare(
        "synchronized call, \(name), against the core", unit: "ns/call", bar: bar
      ) {
        Rounds.each(calls) { unsafe windows_surface_call(surface, $0) }
      } against: {
        Rounds.each(calls, core.call)
      },
      Rounds().compare(
        "dispatch, \(name), against the core", unit: "ns/interrupt", bar: bar
      ) {
        unsafe pace(surface)
      } against: {
        core.pace(window)
      },
    ]
  }

  private static func pace(_ surface: OpaquePointer) -> Double {
    unsafe windows_surface_start(surface)
    defer { unsafe windows_surface_stop(surface) }
    return Rounds.pace(window) { unsafe windows_surface_served(surface) }
  }

  struct Refused: Error, CustomStringConvertible {
    let name: String
    var description: String { "\(name): cannot connect the interrupt; the report says why" }
  }
}
