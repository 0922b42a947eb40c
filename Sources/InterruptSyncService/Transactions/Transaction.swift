// CallSynchronizedRoutine for a process that must not touch the hardware: a list of register
// operations, checked as a whole before the first, and run as one synchronized routine.
import CUIO
public import InterruptSync
public import UIO

/// A checked transaction on one device.
public struct Transaction {
  private struct Step {
    let operation: TransactionOperation
    let register: BoundRegister
  }

  private let steps: [Step]

  /// Checks everything there is to check; nothing is touched.
  ///
  /// - Parameter region: the device's regions, opened when first asked for.
  /// - Throws: `TransactionRefusal`.
  public init(
    _ operations: [TransactionOperation], limits: TransactionLimits,
    region: (RegisterReference.Region) throws(UIOError) -> RegisterRegion
  ) throws(TransactionRefusal) {
    guard operations.count <= limits.operations else {
      throw .tooLarge(
        limit: limits.operations,
        message: "\(operations.count) operations; at most \(limits.operations) are allowed")
    }
    // A sum that overflows is too large as well.
    let waits = operations.reduce((sum: UInt64(0), overflow: false)) {
      let (sum, overflow) = $0.sum.addingReportingOverflow($1.microseconds)
      return (sum, $0.overflow || overflow)
    }
    guard !waits.overflow, waits.sum <= limits.microseconds else {
      throw .tooLarge(
        limit: Int(clamping: limits.microseconds),
        message: "its waits add up to more than the \(limits.microseconds) µs that are allowed")
    }
    var steps: [Step] = []
    for (index, operation) in operations.enumerated() {
      do throws(UIOError) {
        let register = try BoundRegister(operation.register, in: region(operation.register.region))
        for value in operation.values { try register.requireFits(value) }
        steps.append(Step(operation: operation, register: register))
      } catch {
        throw .badRegister(index: index, message: error.description)
      }
    }
    self.steps = steps
  }

  /// Runs it as one synchronized routine: no service routine of the object and no other transaction
  /// in between.
  ///
  /// PASSIVE_LEVEL. Waits for the lock, then at most as long as its waits say.
  /// - Throws: `wouldDeadlock`, `lockOwnerDied`; nothing was touched then.
  public func run(on object: InterruptSyncObject) throws(InterruptSyncError) -> TransactionOutcome {
    // Under the lock nothing is to be allocated.
    var results: [UInt64] = []
    results.reserveCapacity(steps.count)
    return try object.callSynchronizedRoutine { execute(&results) }
  }

  private func execute(_ results: inout [UInt64]) -> TransactionOutcome {
    for (index, step) in steps.enumerated() {
      do throws(UIOError) {
        let register = step.register
        switch step.operation {
        case .read: results.append(try register.read() & register.mask)
        case .write(_, let value):
          try register.write(value)
          results.append(value)
        case .update(_, let mask, let value):
          let held = try register.read()
          try register.write(held & ~mask | value)
          results.append(held)
        case .wait(_, let mask, let value, let microseconds):
          let held = try wait(register, mask, value, microseconds)
          results.append(held)
          if held & mask != value { return .waitExpired(index: index, results: results) }
        }
      } catch { return .deviceGone(results: results) }
    }
    return .complete(results)
  }

  /// The last value read: the one waited for, or another when the time was over.
  private func wait(
    _ register: BoundRegister, _ mask: UInt64, _ value: UInt64, _ microseconds: UInt64
  ) throws(UIOError) -> UInt64 {
    let end = cuio_nanoseconds() + microseconds * 1000
    while true {
      // The clock first: a thread that was kept from running still looks once more.
      let isOver = cuio_nanoseconds() >= end
      let held = try register.read()
      if isOver || held & mask == value { return held }
    }
  }
}
