// Floor 5. Writes JSON: no white space, members in order, only the necessary escapes. VarlinkCall
// writes replies on the control thread, VarlinkClient calls on its caller's, interruptsyncctl its
// output. A pure function, for any thread; no lock.

/// Writes JSON as UTF-8.
package enum JSONWriter {
  /// A number that is NaN or infinite, for which JSON has no word, becomes null.
  package static func bytes(_ value: JSON) -> [UInt8] {
    var bytes: [UInt8] = []
    write(value, to: &bytes)
    return bytes
  }

  package static func bytes(_ object: JSONObject) -> [UInt8] { bytes(.object(object)) }

  /// Appends the text of an object.
  static func write(_ object: JSONObject, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    for (place, member) in object.members.enumerated() {
      if place > 0 { bytes.append(UInt8(ascii: ",")) }
      quote(member.key, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      write(member.value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private static func write(_ value: JSON, to bytes: inout [UInt8]) {
    switch value {
    case .null: copy("null", to: &bytes)
    case .bool(let value): copy(value ? "true" : "false", to: &bytes)
    case .integer(let value): copy(value.description, to: &bytes)
    case .unsigned(let value): copy(value.description, to: &bytes)
    case .double(let value): copy(value.isFinite ? value.description : "null", to: &bytes)
    case .string(let value): quote(value, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (place, element) in elements.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        write(element, to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object): write(object, to: &bytes)
    }
  }

  /// Appends a text that is JSON already.
  static func copy(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { unsafe bytes.append(contentsOf: $0) }
  }

  /// Appends a string. Runs of bytes that need no escape are copied as they are.
  static func quote(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { text in
      var run = 0
      for place in text.indices {
        guard let escaped = unsafe escape(text[place]) else { continue }
        unsafe bytes.append(contentsOf: text[run..<place])
        bytes += escaped.utf8
        run = place + 1
      }
      unsafe bytes.append(contentsOf: text[run...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The escape of a byte in a string; nil: the byte stays as it is.
  @inline(__always)
  private static func escape(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "\""): #"\""#
    case UInt8(ascii: "\\"): #"\\"#
    case 0x20...: nil
    case 0x0a: #"\n"#
    case 0x0d: #"\r"#
    case 0x09: #"\t"#
    default: #"\u00"# + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}

extension JSON: CustomStringConvertible {
  package var description: String { String(decoding: JSONWriter.bytes(self), as: UTF8.self) }
}

extension JSONObject: CustomStringConvertible {
  package var description: String { JSON.object(self).description }
}
