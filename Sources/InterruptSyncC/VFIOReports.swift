// Floor 5. The reports of a VFIO device on their way to a handler in C. VFIODevices.swift makes the
// sink. Reports come on the thread `vfio notices` at PASSIVE level, without a lock; the end comes
// on the thread that releases the device's last handle, and waits there for a report that runs
// elsewhere. A monitor guards the state and is not held while the handler runs.
import CInterruptSync
import Glibc
import LinuxSystem
import VFIO

/// A handler and its context, which the program may free once `end` has returned.
@safe final class VFIOReportSink: @unchecked Sendable {
  private let handler: interruptsync_vfio_report_handler
  private let context: UnsafeMutableRawPointer?
  private let monitor = Monitor()
  // Guarded by `monitor`.
  private var hasEnded = false
  private var running: Running?

  /// The thread that the handler runs on; none in a child that was forked meanwhile.
  private struct Running {
    let thread = pthread_self()
    let owner = ProcessOwner()

    var isElsewhere: Bool { owner.isCurrent && pthread_equal(pthread_self(), thread) == 0 }
  }

  /// Nil without a handler.
  init?(handler: interruptsync_vfio_report_handler?, context: UnsafeMutableRawPointer?) {
    guard let handler = unsafe handler else { return nil }
    unsafe self.handler = unsafe handler
    unsafe self.context = unsafe context
  }

  func send(_ report: VFIOReport) {
    let mayRun = monitor.locked {
      if hasEnded { return false }
      running = Running()
      return true
    }
    guard mayRun else { return }
    deliver(report)
    monitor.locked {
      running = nil
      monitor.broadcast()
    }
  }

  /// No report comes afterwards. Waits for one that is running on another thread.
  func end() {
    monitor.locked {
      hasEnded = true
      monitor.wait { running?.isElsewhere == true }
    }
  }

  private func deliver(_ report: VFIOReport) {
    let (kind, error) =
      switch report {
      case .returned(let error): (INTERRUPTSYNC_REPORT_DEVICE_RETURNED, error)
      case .failed(let error): (INTERRUPTSYNC_REPORT_DEVICE_FAILED, error)
      }
    unsafe report.description.withCString { text in
      var answer = unsafe interruptsync_report()
      unsafe answer.size = MemoryLayout<interruptsync_report>.size
      unsafe answer.kind = UInt32(kind)
      unsafe answer.error = -error.number
      unsafe answer.text = unsafe text
      unsafe handler(&answer, context)
    }
  }
}
