/// What one transaction may ask for: while it runs, the line's service routines and every other
/// transaction wait.
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
