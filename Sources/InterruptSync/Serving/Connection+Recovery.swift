// Room Serving: repairs after a dispatch, which cannot be made under the lock, such as a second
// try of a failed re-arm. On the serving thread, without the interrupt lock. Nothing here waits: the thread
// asks again when the time has come.
import CUIO
import Glibc
import Synchronization
import UIO

extension Connection {
  /// How long a thread sleeps without checking its lines on its own: the kernel can lose the
  /// wake-up of a removal (fact 23). Milliseconds.
  static let recheck: Int32 = 1000

  var isRecovering: Bool { if case .none = fault { false } else { true } }
  var isStorming: Bool { if case .storm = fault { true } else { false } }

  /// Milliseconds of silence after which `quietElapsed()` is due.
  var quietTimeout: Int32 {
    switch fault {
    case .none: Self.recheck
    case .storm(let pause), .rearm(let pause): max(pause, 100)
    }
  }

  func handle(_ outcome: Int32) {
    // Not counted as holding the lock. First, since a report's handler may end this
    // connection and begin another.
    core.value.lastEnd = 0
    if outcome & Outcome.lockFailed != 0 {
      ended.store(true, ordering: .releasing)
      report(.failed(served.refused(-ESRCH, "dispatch an interrupt")))
      unsafe cuio_flag_raise(stop.pointer)
      return
    }
    if outcome & Outcome.repeatLimit != 0 {
      report(.repeatLimitReached(passes: core.value.repeatLimit))
    }
    if isStorming, outcome & Outcome.claimed != 0 {
      fault = .none
      report(.stormEnded)
    }
    if outcome & Outcome.rearmFailed != 0 {
      rearmFailed()
    } else if case .rearm = fault, outcome & Outcome.stormBegan == 0 {
      rearmRecovered()
    }
    if outcome & Outcome.stormBegan != 0 { brake() }
  }

  /// Nothing came for the whole of `quietTimeout`: a storm is over, a failed re-arm is tried again.
  func quietElapsed() {
    switch fault {
    case .none: break
    case .storm:
      fault = .none
      report(.stormEnded)
    case .rearm(let pause): retryRearm(pause)
    }
  }

  func rearmFailed() {
    if case .rearm = fault { return }
    fault = .rearm(pause: 10)
    // A device that is going away cannot be re-armed either; then the next read says so.
    guard unsafe !LivenessGate.isDead(line.pointee.fd) else { return }
    let number = served.holdingLock { -core.value.rearmError }
    report(.rearmFailed(source.failure(.rearm, errno: number)))
  }

  private func rearmRecovered() {
    fault = .none
    report(.rearmRecovered)
  }

  private func retryRearm(_ pause: Int32) {
    guard served.holdingLock({ unsafe rearmIfUnmasked(core, line) }) == 0 else {
      fault = .rearm(pause: min(pause * 2, Self.recheck))
      return
    }
    rearmRecovered()
  }

  /// The line has gone or failed: reported once, and it is served no more (facts 21, 22).
  func end(_ number: Int32) {
    ended.store(true, ordering: .releasing)
    let error = source.failure(.read, errno: number)
    report(error.code == .removed ? .removed(error) : .failed(error))
  }
}
