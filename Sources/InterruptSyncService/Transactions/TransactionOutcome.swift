/// How far a transaction came.
public enum TransactionOutcome: Equatable, Sendable {
  /// Every operation was carried out; a result for each.
  case complete([UInt64])
  /// The wait of operation `index` found nothing in its time; the results of those before it, and
  /// what its register held at last.
  case waitExpired(index: Int, results: [UInt64])
  /// The device has gone; the results of the operations before.
  case deviceGone(results: [UInt64])
}
