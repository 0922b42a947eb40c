// A register as people write it on a command line: bar0:0x24/32&0xff. Floor 3; the daemon's
// configuration, recipes and transactions parse it on the control thread, a hosted driver's table
// of functions on that driver's threads, the client library on a client's. It opens no device. A
// value, for any thread, without a lock.

/// A register of a device: region, offset, width, and the bits that count.
public struct RegisterReference: Equatable, Sendable, CustomStringConvertible {
  /// Where the offset counts from.
  public enum Region: Equatable, Hashable, Sendable {
    /// A BAR of the PCI function, 0 to 5.
    case bar(Int)
    /// A map of the UIO driver, 0 to 4.
    case map(Int)
  }

  /// Where the offset counts from.
  public let region: Region
  /// Bytes.
  public let offset: Int
  /// 8, 16, 32 or 64 bits.
  public let width: Int
  /// All ones where none was given.
  public let mask: UInt64

  /// Reads `REGION:OFFSET/WIDTH` with an optional `&MASK`: `bar0:0x24/32`, `map1:8/16&0x3`.
  /// - Throws: `malformed`, naming the part.
  public init(_ text: String) throws(UIOError) {
    let (place, maskText) = Self.split(text, at: "&")
    let (regionText, rest) = Self.split(place, at: ":")
    let (offsetText, widthText) = Self.split(rest ?? "", at: "/")
    guard let region = Self.region(regionText) else {
      throw Self.malformed(text, "the region \"\(regionText)\" is neither barN nor mapN")
    }
    guard let width = Int(widthText ?? "32"), [8, 16, 32, 64].contains(width) else {
      throw Self.malformed(text, "the width \"\(widthText ?? "")\" is not 8, 16, 32 or 64")
    }
    guard let offset = NumberParsing.parse(offsetText, as: Int.self) else {
      throw Self.malformed(text, "the offset \"\(offsetText)\" is not a number")
    }
    guard offset % (width / 8) == 0 else {
      throw Self.malformed(text, "the offset is not a multiple of the width")
    }
    let all: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
    guard let mask = maskText.map({ NumberParsing.parse($0, as: UInt64.self) }) ?? all, mask != 0,
      mask & ~all == 0
    else {
      throw Self.malformed(
        text, "the mask \"\(maskText ?? "")\" is not a number of \(width) bits other than 0")
    }
    self.region = region
    self.offset = offset
    self.width = width
    self.mask = mask
  }

  /// Reads a register that is written as a whole: a mask would be without effect.
  /// - Throws: `malformed`, also for a mask that leaves bits out.
  public init(written text: String) throws(UIOError) {
    try self.init(text)
    try requireWhole(text)
  }

  /// - Throws: `malformed` for a mask that leaves bits out.
  package func requireWhole(_ text: String) throws(UIOError) {
    let all: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
    guard mask == all else {
      throw UIOError(
        .malformed, device: text, operation: "read a register",
        cause: "a write takes the whole register, and the mask would be without effect",
        hint: "leave the mask out; an update operation changes single bits")
    }
  }

  /// `REGION:OFFSET/WIDTH`, without the mask.
  public var description: String {
    let name =
      switch region {
      case .bar(let number): "bar\(number)"
      case .map(let number): "map\(number)"
      }
    return "\(name):0x\(String(offset, radix: 16))/\(width)"
  }

  package static func split(_ text: String, at separator: Character) -> (String, String?) {
    guard let index = text.firstIndex(of: separator) else { return (text, nil) }
    return (String(text[..<index]), String(text[text.index(after: index)...]))
  }

  private static func region(_ text: String) -> Region? {
    guard text.count == 4, let number = Int(text.suffix(1)) else { return nil }
    switch text.prefix(3) {
    case "bar" where number <= 5: return .bar(number)
    case "map" where number <= 4: return .map(number)
    default: return nil
    }
  }

  package static func malformed(_ text: String, _ cause: String) -> UIOError {
    UIOError(
      .malformed, device: text, operation: "read a register", cause: cause,
      hint: "write REGION:OFFSET/WIDTH, for instance bar0:0x24/32 or bar0:0x24/32&0xff")
  }
}
