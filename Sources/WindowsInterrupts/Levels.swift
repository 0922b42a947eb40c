// The calling thread's IRQL: kept by the core for its checks, raised and lowered here (N23, D5).
import CUIO
public import CWindowsInterrupts

@c @implementation
public func KeGetCurrentIrql() -> KIRQL { KIRQL(truncatingIfNeeded: cuio_thread_level()) }

@c @implementation
public func KfRaiseIrql(_ NewIrql: KIRQL, _ OldIrql: PKIRQL!) {
  let level = KeGetCurrentIrql()
  if let OldIrql = unsafe OldIrql { unsafe OldIrql.pointee = level }
  guard NewIrql >= level else {
    return Reports.violation("KeRaiseIrql", "D5", "IRQL \(NewIrql) is below the present \(level)")
  }
  _ = cuio_thread_set_level(Int32(NewIrql))
}

@c @implementation
public func KeRaiseIrqlToDpcLevel() -> KIRQL {
  var level: KIRQL = 0
  unsafe KfRaiseIrql(KIRQL(DISPATCH_LEVEL), &level)
  return level
}

@c @implementation
public func KeLowerIrql(_ NewIrql: KIRQL) {
  let level = KeGetCurrentIrql()
  guard NewIrql <= level else {
    return Reports.violation("KeLowerIrql", "D5", "IRQL \(NewIrql) is above the present \(level)")
  }
  _ = cuio_thread_set_level(Int32(NewIrql))
  // A DPC that was queued meanwhile has been waiting for this to wake its thread.
  cuio_thread_left_lock()
}
