/// Why a transaction was not begun: no register has been touched.
public enum TransactionRefusal: Error, Equatable, Sendable {
  /// The register of operation `index` is malformed, out of bounds, misaligned, or not there; or a
  /// value does not fit it.
  case badRegister(index: Int, message: String)
  /// It asks for more than `limit` operations or microseconds.
  case tooLarge(limit: Int, message: String)
}
