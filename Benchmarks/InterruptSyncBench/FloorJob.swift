import CFloor
import Glibc
import LinuxSystem

/// The C loop on a thread of its own.
@safe final class FloorJob: @unchecked Sendable {
  private let list: UnsafeMutablePointer<floor_node>
  private let processor: Int
  private let window: UInt64
  private var nanosecondsEach = 0.0

  init(list: UnsafeMutablePointer<floor_node>, processor: Int, window: UInt64) {
    unsafe self.list = unsafe list
    self.processor = processor
    self.window = window
  }

  func run() -> Double {
    do { try WorkerThread(name: "floor") { [self] in body() }.join() } catch {
      preconditionFailure("cannot create a thread: \(error)")
    }
    return nanosecondsEach
  }

  private func body() {
    floor_pin(Int32(processor))
    let fd = floor_self_firing_line()
    precondition(fd >= 0, "cannot create a pipe")
    let start = DispatchBenchmark.nanoseconds()
    let serviced = unsafe floor_run(fd, list, window)
    nanosecondsEach = Double(DispatchBenchmark.nanoseconds() - start) / Double(max(serviced, 1))
    close(fd)
  }
}
