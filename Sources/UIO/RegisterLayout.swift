/// One register as the data sheet describes it: name, offset, width, access, reset value, fields.
///
/// ```swift
/// /// LSR, line status: offset 5, 8 bits, read-only, reset 0x60.
/// enum LineStatus: RegisterLayout {
///   typealias Access = ReadOnly
///   static let name = "LSR"
///   static let offset = 5
///   static let reset: UInt8 = 0x60
///   static let dataReady = RO<Bool>("DR", bit: 0)
///   static let holdingEmpty = RO<Bool>("THRE", bit: 5)
///   static let fields = [dataReady.description, holdingEmpty.description]
/// }
/// ```
///
/// The width is that of `reset`. Write a field that a service routine uses as
/// `static var dataReady: RO<Bool> { RO("DR", bit: 0) }` where even the first access must not
/// initialize anything.
public protocol RegisterLayout: Sendable {
  /// The width.
  associatedtype Bits: RegisterBits
  /// `ReadOnly`, `WriteOnly` or `ReadWrite`.
  associatedtype Access: RegisterAccess
  /// As in the data sheet, for messages.
  static var name: String { get }
  /// In bytes from the start of the region or of the block that the register is in.
  static var offset: Int { get }
  /// The value after a reset; `write` starts from it.
  static var reset: Bits { get }
  /// Every field. Bits of no field are reserved: `modify` writes them back as they were read.
  static var fields: [RegisterFieldDescription] { get }
}

extension RegisterLayout {
  /// A read-only field of this register.
  public typealias RO<Value: RegisterFieldValue> = RegisterField<Self, Value, ReadOnly>
  /// A write-only field of this register.
  public typealias WO<Value: RegisterFieldValue> = RegisterField<Self, Value, WriteOnly>
  /// A read-write field of this register.
  public typealias RW<Value: RegisterFieldValue> = RegisterField<Self, Value, ReadWrite>
  /// A field of this register that writing 1 clears.
  public typealias RW1C<Value: RegisterFieldValue> = RegisterField<Self, Value, WriteOneToClear>
}
