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
      case 0: dispatch(delta)
      case -EAGAIN: sleep()
      case -EINTR: continue
      default: return end(-result)
      }
    }
  }

  @inline(__always)
  private func dispatch(_ delta: UInt64) {
    let outcome = unsafe dispatchInterrupt(core, line, delta)
    cuio_thread_left_lock()
    guard outcome & ~Outcome.claimed != 0 || isTroubled else { return }
    settle(outcome)
    if isBraked { sitOutTheBrake() }
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

  private func sleep() {
    unsafe cuio_counter_add(&core.pointee.counters.sleeps, 1)
    let start = cuio_ticks()
    let result = wait(patience)
    guard result >= 0 else { return }
    if result == Int32(CUIO_WAIT_READABLE) { pacer.slept(cuio_ticks() &- start) }
    if result & Int32(CUIO_WAIT_WOKEN) != 0 { _ = cuio_event_drain(wake.raw) }
    // A dead descriptor is ready for ever (fact 22): what the next read does not explain is the end
    // as well.
    if result & Int32(CUIO_WAIT_DEAD) != 0, result & Int32(CUIO_WAIT_READABLE) == 0 { confirmEnd() }
    if result == Int32(CUIO_WAIT_TIMEOUT) { quietForAWhile() }
  }

  /// In parts, so that the thread shows that it is there.
  private func wait(_ timeout: Int32) -> Int32 {
    var left = timeout
    while true {
      beats.add(1, ordering: .relaxed)
      let part = min(left, Self.recheck)
      let result = unsafe cuio_wait(line.pointee.fd, wake.raw, part, false)
      left -= part
      if result != Int32(CUIO_WAIT_TIMEOUT) || left == 0 { return result }
    }
  }

  private func confirmEnd() {
    var delta: UInt64 = 0
    let result = unsafe cuio_line_read(line, &delta)
    if result == 0 {
      dispatch(delta)
    } else if result != -EINTR {
      end(result == -EAGAIN ? EIO : -result)
      unsafe cuio_flag_raise(stop)
    }
  }

  /// Waits without looking at the count until the brake may let go, or the line dies.
  private func sitOutTheBrake() {
    var isDead = false
    while !mustStop, !isDead {
      beats.add(1, ordering: .relaxed)
      let now = cuio_nanoseconds()
      if mayLetGo(now) { break }
      let left = due == .max ? UInt64(Self.recheck) : (due - now) / 1_000_000 + 1
      let result = unsafe cuio_wait(
        line.pointee.fd, wake.raw, Int32(min(left, UInt64(Self.recheck))), true)
      if result > 0, result & Int32(CUIO_WAIT_WOKEN) != 0 { _ = cuio_event_drain(wake.raw) }
      isDead = result > 0 && result & Int32(CUIO_WAIT_DEAD) != 0
    }
    letGo(isDead: isDead)
  }
}
