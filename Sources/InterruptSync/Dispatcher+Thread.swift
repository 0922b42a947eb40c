// The dispatcher's loop. It waits for the line without the lock and dispatches under it
// (SyncCore+Dispatch.swift). Everything here runs on the dispatcher's thread.
import CUIO
import Glibc
import Synchronization
import UIO

extension Dispatcher {
  static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      let dispatcher = unsafe Unmanaged<Dispatcher>.fromOpaque(context).takeRetainedValue()
      dispatcher.settleIn()
      dispatcher.run()
      if !dispatcher.hasGivenLineBack { dispatcher.releaseLine() }
      return nil
    }

  var mustStop: Bool { unsafe cuio_flag_is_up(stop) }

  /// Reads first and sleeps only when there is nothing, neither at once nor within a bounded spin:
  /// under load an interrupt costs one read and one re-arm.
  private func run() {
    while !mustStop {
      var delta: UInt64 = 0
      var result = unsafe cuio_line_read(line, &delta)
      if result == -EAGAIN {
        unsafe core.pointee.lastEnd = 0
        if pacer.budget != 0, !isTroubled { result = spin(&delta) }
      }
      switch result {
      case 0:
        let outcome = unsafe dispatchInterrupt(core, line, delta)
        cuio_thread_left_lock()
        if outcome & ~Outcome.claimed != 0 || isTroubled { settle(outcome) }
      case -EAGAIN: sleep()
      case -EINTR: continue
      default: return end(-result)
      }
    }
  }

  private func spin(_ delta: inout UInt64) -> Int32 {
    let result = unsafe cuio_line_spin(line, &delta, pacer.budget, pacer.yieldAfter, stop)
    switch result {
    case 0:
      pacer.found()
      unsafe cuio_counter_add(&core.pointee.counters.spinsFound, 1)
    case -EAGAIN:
      pacer.foundNothing()
      unsafe cuio_counter_add(&core.pointee.counters.spinsInVain, 1)
    default: break
    }
    return result
  }

  var isTroubled: Bool { if case .none = trouble { false } else { true } }
  var isStorming: Bool { if case .storm = trouble { true } else { false } }

  private func sleep() {
    let timeout: Int32 =
      switch trouble {
      case .none: Self.recheck
      case .storm(let pause), .rearm(let pause): max(pause, 100)
      }
    unsafe cuio_counter_add(&core.pointee.counters.sleeps, 1)
    let start = cuio_ticks()
    let result = unsafe cuio_wait(line.pointee.fd, wake.raw, timeout, false)
    guard result >= 0 else { return }
    if result == Int32(CUIO_WAIT_READABLE) { pacer.slept(cuio_ticks() &- start) }
    if result & Int32(CUIO_WAIT_WOKEN) != 0 { _ = cuio_event_drain(wake.raw) }
    // A dead descriptor is ready for ever (fact 22): what the next read does not explain is the end
    // as well.
    if result & Int32(CUIO_WAIT_DEAD) != 0, result & Int32(CUIO_WAIT_READABLE) == 0 { confirmEnd() }
    if result == Int32(CUIO_WAIT_TIMEOUT) { quietForAWhile() }
  }

  private func confirmEnd() {
    var delta: UInt64 = 0
    let result = unsafe cuio_line_read(line, &delta)
    if result == 0 {
      let outcome = unsafe dispatchInterrupt(core, line, delta)
      cuio_thread_left_lock()
      settle(outcome)
    } else if result != -EINTR {
      end(result == -EAGAIN ? EIO : -result)
      unsafe cuio_flag_raise(stop)
    }
  }

  /// Nothing came for the whole pause: a storm is over, a failed re-arm is tried again.
  private func quietForAWhile() {
    switch trouble {
    case .none: break
    case .storm:
      trouble = .none
      report(.stormEnded)
    case .rearm(let pause): retryRearm(pause)
    }
  }

  /// The line has gone or failed: said once, and the thread ends (facts 21, 22).
  func end(_ number: Int32) {
    ended.store(true, ordering: .releasing)
    let error = source.failure(.read, errno: number)
    report(error.code == .removed ? .removed(error) : .failed(error))
  }
}
