// What the data sheet's access column says, as types: an access that it forbids does not compile.

/// The access of a register or field. Conformers: `ReadOnly`, `WriteOnly`, `ReadWrite`,
/// `WriteOneToClear`.
public protocol RegisterAccess: Sendable {
  /// For descriptions and checks.
  static var kind: RegisterAccessKind { get }
}

/// A register that may be read.
public protocol ReadableAccess: RegisterAccess {}
/// A register that may be written.
public protocol WritableAccess: RegisterAccess {}

/// RO: a read has no effect that matters here; there is no write.
public enum ReadOnly: ReadableAccess {
  /// `.readOnly`.
  public static var kind: RegisterAccessKind { .readOnly }
}

/// WO: what a read gives has no meaning.
public enum WriteOnly: WritableAccess {
  /// `.writeOnly`.
  public static var kind: RegisterAccessKind { .writeOnly }
}

/// RW: a read gives what was written.
public enum ReadWrite: ReadableAccess, WritableAccess {
  /// `.readWrite`.
  public static var kind: RegisterAccessKind { .readWrite }
}

/// RW1C, of a field: writing 1 clears it, writing 0 leaves it. A register of such fields is
/// `ReadWrite`.
public enum WriteOneToClear: ReadableAccess {
  /// `.writeOneToClear`.
  public static var kind: RegisterAccessKind { .writeOneToClear }
}

/// The access as a value, as data sheets abbreviate it.
public enum RegisterAccessKind: String, Sendable, CaseIterable {
  /// `ReadOnly`.
  case readOnly = "RO"
  /// `WriteOnly`.
  case writeOnly = "WO"
  /// `ReadWrite`.
  case readWrite = "RW"
  /// `WriteOneToClear`.
  case writeOneToClear = "RW1C"
}
