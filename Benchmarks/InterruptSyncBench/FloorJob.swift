import CFloor
import CUIO
import Glibc

/// The C loop on a thread of its own.
@safe final class FloorJob {
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
    var thread = pthread_t()
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let result = unsafe cuio_thread_create(&thread, 0, Self.entry, context)
    precondition(result == 0, "cannot create a thread")
    _ = cuio_thread_join(thread)
    return nanosecondsEach
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      unsafe Unmanaged<FloorJob>.fromOpaque(context).takeUnretainedValue().body()
      return nil
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
