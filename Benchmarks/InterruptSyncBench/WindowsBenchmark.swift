import CFloor
import CWindowsSurface
import Glibc
import InterruptSync

/// What Windows' shapes add to the core, in C++: a synchronized call, and a dispatch of a software
/// line whose routine raises the next interrupt.
enum WindowsBenchmark {
  private static let rounds = 21
  private static let calls: UInt64 = 5_000
  private static let window: useconds_t = 40_000

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
    var call: ([Double], [Double]) = ([], [])
    var dispatch: ([Double], [Double]) = ([], [])
    for round in 0..<rounds {
      let (ours, peer) = unsafe callRound(surface, core)
      call.0.append(ours)
      call.1.append(peer)
      // In turns, and who goes first changes, so that a drift of the machine's speed hits both.
      if round % 2 == 0 { dispatch.0.append(unsafe pace(surface)) }
      dispatch.1.append(core.pace(window))
      if round % 2 != 0 { dispatch.0.append(unsafe pace(surface)) }
    }
    return [
      Measurement(
        "synchronized call, \(name), against the core", ours: call.0, peer: call.1,
        unit: "ns/call", bar: bar),
      Measurement(
        "dispatch, \(name), against the core", ours: dispatch.0, peer: dispatch.1,
        unit: "ns/interrupt", bar: bar),
    ]
  }

  /// One round: short runs in turns, the fastest of each.
  private static func callRound(_ surface: OpaquePointer, _ core: CorePeer) -> (Double, Double) {
    var best = (Double.infinity, Double.infinity)
    for _ in 0..<40 {
      let start = DispatchBenchmark.nanoseconds()
      unsafe windows_surface_call(surface, calls)
      let middle = DispatchBenchmark.nanoseconds()
      core.call(calls)
      let end = DispatchBenchmark.nanoseconds()
      best.0 = min(best.0, Double(middle - start) / Double(calls))
      best.1 = min(best.1, Double(end - middle) / Double(calls))
    }
    return best
  }

  private static func pace(_ surface: OpaquePointer) -> Double {
    unsafe windows_surface_start(surface)
    defer { unsafe windows_surface_stop(surface) }
    usleep(2000)
    let start = (unsafe windows_surface_served(surface), DispatchBenchmark.nanoseconds())
    usleep(window)
    let end = (unsafe windows_surface_served(surface), DispatchBenchmark.nanoseconds())
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }

  struct Refused: Error, CustomStringConvertible {
    let name: String
    var description: String { "\(name): cannot connect the interrupt; the report says why" }
  }
}
