import InterruptSync

extension InterruptStatistics {
  /// What two objects did for one device, one after the other; the routines are the later's.
  func continued(by later: InterruptStatistics) -> InterruptStatistics {
    var sum = later
    sum.interrupts &+= interrupts
    sum.dispatches &+= dispatches
    sum.coalesced &+= coalesced
    sum.claimed &+= claimed
    sum.unclaimed &+= unclaimed
    sum.passes &+= passes
    sum.rearmFailures &+= rearmFailures
    sum.storms &+= storms
    sum.repeatLimits &+= repeatLimits
    sum.synchronizedCalls &+= synchronizedCalls
    sum.refusedCalls &+= refusedCalls
    sum.longestHold = max(sum.longestHold, longestHold)
    sum.longestWait = max(sum.longestWait, longestWait)
    return sum
  }
}
