// The head of a request, as much of HTTP/1.1 (RFC 9110 and 9112) as a server of one document needs.
// Written here, because a library for it would be a larger program than the daemon.

/// What a client asks for.
struct HTTPRequest: Equatable {
  let method: String
  /// Of the target, without its query.
  let path: String

  /// What has been received of a request.
  enum Progress: Equatable {
    case incomplete
    case complete(HTTPRequest)
    /// What is wrong with it.
    case refused(HTTPResponse.Status)
  }

  /// Bytes of a head, and lines.
  static let sizeLimit = 8192
  static let lineLimit = 100

  /// Reads what has been received. What is behind the head is not looked at.
  static func read(_ bytes: [UInt8]) -> Progress {
    var lines: [ArraySlice<UInt8>] = []
    var count = 0
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0a) {
      // The carriage return may be missing (RFC 9112, 2.2).
      var text = rest[..<end]
      if text.last == 0x0d { text = text.dropLast() }
      rest = rest[(end + 1)...]
      count += 1
      guard count <= lineLimit, rest.startIndex <= sizeLimit else { return .refused(.headTooLarge) }
      if !text.isEmpty {
        lines.append(text)
      } else if !lines.isEmpty {
        return parse(lines)
      }
      // Empty lines in front of a request are let pass (RFC 9112, 2.2).
    }
    return bytes.count > sizeLimit ? .refused(.headTooLarge) : .incomplete
  }

  private static func parse(_ lines: [ArraySlice<UInt8>]) -> Progress {
    let parts = lines[0].split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, isToken(parts[0]), let path = path(parts[1]),
      let version = version(parts[2])
    else { return .refused(.badRequest) }
    guard version.major == 1 else { return .refused(.versionNotSupported) }
    var hosts = 0
    for line in lines.dropFirst() {
      guard let name = fieldName(line) else { return .refused(.badRequest) }
      if name == "host" { hosts += 1 }
    }
    guard hosts == 1 || hosts == 0 && version.minor == 0 else { return .refused(.badRequest) }
    return .complete(
      HTTPRequest(method: String(decoding: parts[0], as: UTF8.self), path: path))
  }

  /// `HTTP/1.1`.
  private static func version(_ text: ArraySlice<UInt8>) -> (major: UInt8, minor: UInt8)? {
    let bytes = Array(text)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard bytes.count == 8, bytes.starts(with: Array("HTTP/".utf8)), digits.contains(bytes[5]),
      bytes[6] == UInt8(ascii: "."), digits.contains(bytes[7])
    else { return nil }
    return (bytes[5] - digits.lowerBound, bytes[7] - digits.lowerBound)
  }

  /// The path of a target, which may be absolute (RFC 9112, 3.2).
  private static func path(_ target: ArraySlice<UInt8>) -> String? {
    guard !target.isEmpty, target.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    var text = String(decoding: target, as: UTF8.self)[...]
    if text.lowercased().hasPrefix("http://") {
      let authority = text.dropFirst("http://".count)
      text = authority[(authority.firstIndex(of: "/") ?? authority.endIndex)...]
      if text.isEmpty { text = "/" }
    }
    guard text == "*" || text.hasPrefix("/") else { return nil }
    return String(text.prefix { $0 != "?" })
  }

  /// In small letters; nil for a line that is no field.
  private static func fieldName(_ line: ArraySlice<UInt8>) -> String? {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]),
      line[(colon + 1)...].allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f })
    else { return nil }
    return String(decoding: line[..<colon], as: UTF8.self).lowercased()
  }

  private static let tokenSigns = Set("!#$%&'*+-.^_`|~".utf8)

  private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty
      && bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "A")...UInt8(ascii: "Z"):
          true
        default: tokenSigns.contains(byte)
        }
      }
  }
}
