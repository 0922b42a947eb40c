import CFloor
import Glibc
import LinuxSystem

/// A C loop on a thread of its own.
final class FloorJob: @unchecked Sendable {
  private let processor: Int
  private let loop: () -> UInt64
  private var nanosecondsEach = 0.0

  /// - Parameter loop: returns the number of interrupts serviced.
  init(processor: Int, loop: @escaping () -> UInt64) {
    self.processor = processor
    self.loop = loop
  }

  func run() -> Double {
    do { try WorkerThread(name: "floor") { [self] in body() }.join() } catch {
      preconditionFailure("cannot create a thread: \(error)")
    }
    return nanosecondsEach
  }

  private func body() {
    floor_pin(Int32(processor))
    let start = ProcessorTime.ofThread()
    let serviced = loop()
    nanosecondsEach = Double(ProcessorTime.ofThread() - start) / Double(max(serviced, 1))
  }
}
