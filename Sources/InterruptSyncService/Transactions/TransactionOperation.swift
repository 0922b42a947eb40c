public import UIO

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

  /// The longest that it waits by itself.
  var microseconds: UInt64 {
    if case .wait(_, _, _, let microseconds) = self { microseconds } else { 0 }
  }

  /// Every number it carries for the register.
  var values: [UInt64] {
    switch self {
    case .read: []
    case .write(_, let value): [value]
    case .update(_, let mask, let value), .wait(_, let mask, let value, _): [mask, value]
    }
  }
}
