// The level around a call of the driver's, and a look at what it left behind.
import CUIO
import CWindowsInterrupts

enum FrameworkCall {
  static func run<R>(_ callback: String, at level: KIRQL, _ body: () -> R) -> R {
    let before = cuio_thread_set_level(Int32(level))
    let result = body()
    let left = KeGetCurrentIrql()
    if left != level {
      Reports.violation(callback, "D5", "entered at IRQL \(level) and left at \(left)")
    }
    _ = cuio_thread_set_level(before)
    return result
  }
}
