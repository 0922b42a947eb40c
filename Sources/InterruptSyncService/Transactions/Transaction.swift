// Transactions room. CallSynchronizedRoutine for a process that must not touch the hardware: a list
// of register operations, checked as a whole before the first, and run as one synchronized routine.
// ClientService+Transactions makes and runs it on the control thread; `execute` takes the object's
// interrupt lock, runs at DIRQL under it, and must not allocate there.
import CUIO
public import InterruptSync
import LinuxSystem
public import UIO

/// A checked transaction on one device.
public struct Transaction {
  private struct Step {
    let operation: TransactionOperation
    let register: BoundRegister
  }

  private let steps: [Step]

  /// Checks every operation and touches no register.
  ///
  /// - Parameter region: returns a region of the device; called when an operation needs it.
  /// - Throws: `TransactionRefusal`.
  public init(
    _ operations: [TransactionOperation], limits: TransactionLimits,
    region: (RegisterReference.Region) throws(UIOError) -> RegisterRegion
  ) throws(TransactionRefusal) {
    guard operations.count <= limits.operations else {
      throw .tooLarge(
        limit: limits.operations,
        message: "\(counted(operations.count, "operation")), but at most "
          + "\(limits.operations) are allowed")
    }
    // A sum that overflows is too large as well.
    let waits = operations.reduce((sum: UInt64(0), overflow: false)) {
      let (sum, overflow) = $0.sum.addingReportingOverflow($1.microseconds)
      return (sum, $0.overflow || overflow)
    }
    guard !waits.overflow, waits.sum <= limits.microseconds else {
      throw .tooLarge(
        limit: Int(clamping: limits.microseconds),
        message: "its waits add up to more than \(limits.microseconds) µs")
    }
    var steps: [Step] = []
    for (index, operation) in operations.enumerated() {
      do throws(UIOError) {
        let register = try BoundRegister(operation.register, in: region(operation.register.region))
        if operation.dropsMask { try operation.register.requireWhole("\(operation.register)") }
        for value in operation.values { try register.requireFits(value) }
        steps.append(Step(operation: operation, register: register))
      } catch {
        throw .badRegister(index: index, error)
      }
    }
    self.steps = steps
  }

  /// Runs it as one synchronized routine: no service routine of the object and no other transaction
  /// runs in between.
  ///
  /// PASSIVE_LEVEL. Waits for the lock, at most for `limit`, then at most for the sum of its
  /// waits.
  /// - Throws: `busy`, `wouldDeadlock`, `lockOwnerDied`; no register was touched then.
  public func run(
    on object: InterruptSyncObject, within limit: Duration
  ) throws(InterruptSyncError) -> TransactionOutcome {
    // Allocated before the lock is taken.
    var results: [UInt64] = []
    results.reserveCapacity(steps.count)
    return try object.callSynchronizedRoutine(within: limit) { execute(&results) }
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

  /// Returns the last value read: the one waited for, or another if the time is over.
  private func wait(
    _ register: BoundRegister, _ mask: UInt64, _ value: UInt64, _ microseconds: UInt64
  ) throws(UIOError) -> UInt64 {
    let end = linux_nanoseconds() + microseconds * 1000
    while true {
      // The clock first: a thread that was preempted still reads once more.
      let isOver = linux_nanoseconds() >= end
      let held = try register.read()
      if isOver || held & mask == value { return held }
    }
  }
}

/// One step of a synchronized transaction.
public enum TransactionOperation: Equatable, Sendable {
  /// The result is what the register holds, under the reference's mask.
  case read(RegisterReference)
  /// The result is the value written.
  case write(RegisterReference, value: UInt64)
  /// Writes (held and not `mask`) or `value`; the result is what the register held before.
  case update(RegisterReference, mask: UInt64, value: UInt64)
  /// Until (held and `mask`) equals `value`, at most so many microseconds; the result is what the
  /// register held then.
  case wait(RegisterReference, mask: UInt64, value: UInt64, microseconds: UInt64)

  var register: RegisterReference {
    switch self {
    case .read(let register), .write(let register, _), .update(let register, _, _),
      .wait(let register, _, _, _):
      register
    }
  }

  /// Whether a mask of the reference would have no effect: a write takes the whole register, and an
  /// update the bits of its own mask, which the reference may repeat.
  var dropsMask: Bool {
    switch self {
    case .write: true
    case .update(let register, let mask, _): register.mask != mask
    case .read, .wait: false
    }
  }

  /// The longest time that it waits.
  var microseconds: UInt64 {
    if case .wait(_, _, _, let microseconds) = self { microseconds } else { 0 }
  }

  /// Every number that it carries for the register.
  var values: [UInt64] {
    switch self {
    case .read: []
    case .write(_, let value): [value]
    case .update(_, let mask, let value), .wait(_, let mask, let value, _): [mask, value]
    }
  }
}

/// The most that one transaction may ask for. While it runs, the line's service routines and every
/// other transaction wait.
public struct TransactionLimits: Equatable, Sendable {
  /// Operations.
  public var operations: Int
  /// Microseconds of waits, all together.
  public var microseconds: UInt64

  public init(operations: Int = 64, microseconds: UInt64 = 1000) {
    self.operations = operations
    self.microseconds = microseconds
  }
}

/// How far a transaction got.
public enum TransactionOutcome: Equatable, Sendable {
  /// Every operation was executed; one result for each.
  case complete([UInt64])
  /// The wait of operation `index` timed out; the results of the operations before it, and what its
  /// register held last.
  case waitExpired(index: Int, results: [UInt64])
  /// The device was removed; the results of the operations before.
  case deviceGone(results: [UInt64])
}

/// Why a transaction was not started: no register has been touched.
public enum TransactionRefusal: Error, Equatable, Sendable {
  /// The register of operation `index` is malformed, out of bounds, misaligned or does not exist, or
  /// a value does not fit it.
  case badRegister(index: Int, UIOError)
  /// It has more than `limit` operations, or waits more than `limit` microseconds.
  case tooLarge(limit: Int, message: String)
}
