// Windows keeps DPCs and spin locks in the driver's memory and never says when they end. What
// belongs to them here is kept by address: it ends when the address is initialised anew, or with
// the block of pool, device or group that it lies in.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

final class AddressTable<Value: Sendable>: @unchecked Sendable {
  private let monitor = Monitor()
  private var values: [UInt: Value] = [:]

  /// Keeps `value`; the one before is given back, for its end outside of the table's lock.
  func replace(_ address: UInt, with value: Value) -> Value? {
    monitor.locked { values.updateValue(value, forKey: address) }
  }

  /// The value at `address`, made when there is none.
  func value(_ address: UInt, orMake make: () -> Value) -> Value {
    monitor.locked {
      if let value = values[address] { return value }
      let value = make()
      values[address] = value
      return value
    }
  }

  func forget(_ range: Range<UInt>) -> [Value] {
    monitor.locked {
      let inside = values.keys.filter(range.contains)
      return inside.compactMap { values.removeValue(forKey: $0) }
    }
  }
}

@c @implementation
public func isw_forget(_ address: UnsafeRawPointer!, _ length: Int) {
  let start = UInt(bitPattern: address)
  let range = start..<start + UInt(length)
  // Before the DPCs, which they would queue.
  if unsafe isw_timers_forget(address, length) > 0 {
    Reports.violation(
      "KTIMER", "D11",
      "the memory of a timer that is set, or of its DPC, ends; the timer was taken back: cancel it before"
    )
  }
  for routine in DeferredCalls.table.forget(range) { routine.remove() }
  _ = SpinLocks.table.forget(range)
}
