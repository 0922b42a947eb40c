// Floor 5. Writes JSON: no white space, members in order, only the necessary escapes. A pure
// function, for any thread.

/// Writes JSON as UTF-8.
package enum JSONWriter {
  /// A number that is NaN or infinite, for which JSON has no word, becomes null.
  package static func bytes(_ value: JSON) -> [UInt8] {
    var bytes: [UInt8] = []
    write(value, to: &bytes)
    return bytes
  }

  package static func bytes(_ object: JSONObject) -> [UInt8] { bytes(.object(object)) }

  private static func write(_ value: JSON, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += value.description.utf8
    case .unsigned(let value): bytes += value.description.utf8
    case .double(let value): bytes += (value.isFinite ? value.description : "null").utf8
    case .string(let value): write(value, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (place, element) in elements.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        write(element, to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      for (place, member) in object.members.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        write(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        write(member.value, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func write(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0x0a: bytes += #"\n"#.utf8
      case 0x0d: bytes += #"\r"#.utf8
      case 0x09: bytes += #"\t"#.utf8
      case 0..<0x20: bytes += (#"\u00"# + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

extension JSON: CustomStringConvertible {
  package var description: String { String(decoding: JSONWriter.bytes(self), as: UTF8.self) }
}

extension JSONObject: CustomStringConvertible {
  package var description: String { JSON.object(self).description }
}
