// The same operations through the other surfaces.
import CFloor
import CInterruptSync
import CWindowsSurface
import Glibc
import InterruptSync
import InterruptSyncC
import WindowsInterrupts

enum SurfaceProbe {
  private struct Refused: Error {}

  static func dispatch(_ count: UInt64, _ shape: windows_shape) throws {
    unsafe try with(shape) { unsafe windows_surface_serve($0, count) }
  }

  static func call(_ count: UInt64, _ shape: windows_shape) throws {
    unsafe try with(shape) { unsafe windows_surface_call($0, count) }
  }

  private static func with(_ shape: windows_shape, _ body: (OpaquePointer) -> Void) throws {
    guard let surface = unsafe windows_surface_create(shape) else { throw Refused() }
    unsafe body(surface)
    unsafe windows_surface_destroy(surface)
  }

  static func callTyped(_ count: UInt64) throws {
    let interrupt = Interrupt<UInt64>(0, source: try SoftwareLine(), mode: .all)
    for _ in 0..<count { try interrupt.synchronize { $0 &+= 1 } }
  }

  static func callInC(_ count: UInt64) throws {
    var line: OpaquePointer?
    var object: OpaquePointer?
    guard unsafe interruptsync_line_software("probe", &line) == 0,
      unsafe interruptsync_object_create(line, 2, nil, &object) == 0
    else { throw Refused() }
    let routine = unsafe unsafeBitCast(
      floor_count as InterruptSyncRoutine, to: interruptsync_routine.self)
    var calls: UInt64 = 0
    for _ in 0..<count { _ = unsafe interruptsync_object_call(object, routine, &calls, nil) }
    _ = unsafe interruptsync_release(UnsafeMutableRawPointer(object))
    _ = unsafe interruptsync_release(UnsafeMutableRawPointer(line))
  }
}
