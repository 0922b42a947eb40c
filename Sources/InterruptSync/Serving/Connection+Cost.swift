// Room Serving: looks at what a line costs (StormCost.swift) and whether its device is ever silent
// (LineWatch.swift), and brakes a line that costs too much for nothing. Connection+Recovery and
// StormBrake call it on the serving thread at PASSIVE_LEVEL, after a re-arm, without the interrupt
// lock; it takes the lock only to mask the line. A report comes last: its handler may end the
// connection.
import CUIO
import Glibc
import LinuxSystem

extension Connection {
  /// After a dispatch that is not braked: once in `StormCost.turns` of them, and after each while it matters.
  func judge() {
    guard isJudged, !isBraked, rearmPause == nil, !mustStop else { return }
    // The look is not counted as holding the lock.
    core.value.lastEnd = 0
    watch?.dispatched()
    if isCostly {
      judgeAfterPause()
    } else if stormPause == nil {
      judgeCost()
    }
  }

  private func judgeCost() {
    if cost.isDue(linux_nanoseconds()) {
      cost.take(reading(), says: says)
      if !cost.isSuspicious { watch = nil }
    }
    if let watch {
      conclude(watch.verdict)
    } else if says, cost.isWorthAWatch {
      watch = newWatch(LineWatch.dispatches)
      if watch == nil { conclude(.unknown) }
    } else if !says, cost.isLasting {
      conclude(.unknown)
    }
  }

  private func conclude(_ verdict: LineWatch.Verdict?) {
    switch verdict {
    case nil: break
    case .asserted?: brakeCostly()
    case .silent?: forgetCost()
    case .unknown?:
      // An owner that sets a share for a line that does not say wants it kept.
      if !says, served.storm.share != nil { return brakeCostly() }
      let (rate, share) = (cost.rate, cost.share)
      forgetCost()
      guard !hasReportedCost else { return }
      hasReportedCost = true
      report(.costly(perSecond: rate, share: share))
    }
  }

  private func judgeAfterPause() {
    if says {
      // No thread, no answer.
      guard let watch else { return stormEnded() }
      switch watch.verdict {
      case nil: break
      case .asserted?: brakeCostly()
      case .silent?, .unknown?: stormEnded()
      }
    } else if let mustBrake = cost.mustBrake(probation, reading()) {
      if mustBrake { brakeCostly() } else { stormEnded() }
    }
  }

  /// After a pause, before the re-arm.
  func watchAfterPause() {
    probation = reading()
    if isCostly, says { watch = newWatch(LineWatch.dispatchesAfterPause, mustSeeEnds: false) }
  }

  private func newWatch(_ dispatches: Int, mustSeeEnds: Bool? = nil) -> LineWatch? {
    try? unsafe LineWatch(
      dispatches, mustSeeEnds: mustSeeEnds ?? served.storm.mustSeeEnds,
      configuration: line.pointee.rearm_fd)
  }

  func forgetCost() {
    watch = nil
    cost.restart()
  }

  /// The line is armed, other than at the limit of unclaimed ones.
  private func brakeCostly() {
    served.holdingLock {
      core.value.masked = core.value.masked.union(.storm)
      maskLine()
      unsafe cuio_probe_storm_masked(line, 0)
    }
    isCostly = true
    brake()
  }

  /// Whether the line's device says if it asks for service.
  private var says: Bool { unsafe line.pointee.rearm == CUIO_REARM_PCI_COMMAND }

  /// So far.
  var dispatches: UInt64 {
    let claimed = Counter.read(&core.value.counters.claimed)
    return claimed &+ Counter.read(&core.value.counters.unclaimed)
  }

  /// How the thread and the line stand now.
  private func reading() -> StormCost.Reading {
    let dispatches = dispatches
    let used = UInt64(max(linux_thread_cpu_time(pthread_self()), 0))
    return StormCost.Reading(
      now: linux_nanoseconds(), used: used,
      spun: linux_ticks_to_nanoseconds(activity.spun),
      rested: linux_ticks_to_nanoseconds(activity.rested), dispatches: dispatches,
      all: activity.dispatches?() ?? dispatches)
  }
}
