import Glibc

/// An answer, after which the connection is closed.
struct HTTPResponse: Equatable {
  enum Status: Int, CaseIterable {
    case ok = 200
    case badRequest = 400
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case requestTimeout = 408
    case headTooLarge = 431
    case unavailable = 503
    case versionNotSupported = 505

    var reason: String {
      switch self {
      case .ok: "OK"
      case .badRequest: "Bad Request"
      case .forbidden: "Forbidden"
      case .notFound: "Not Found"
      case .methodNotAllowed: "Method Not Allowed"
      case .requestTimeout: "Request Timeout"
      case .headTooLarge: "Request Header Fields Too Large"
      case .unavailable: "Service Unavailable"
      case .versionNotSupported: "HTTP Version Not Supported"
      }
    }
  }

  let status: Status
  let type: String
  let text: String
  /// The head alone, as HEAD asks for.
  var isHead = false

  init(_ status: Status, type: String, text: String) {
    self.status = status
    self.type = type
    self.text = text
  }

  /// An error, in words for who tries it by hand.
  init(_ status: Status) {
    self.init(
      status, type: "text/plain; charset=utf-8", text: "\(status.rawValue) \(status.reason)\n")
  }

  /// As it is sent at `time`, in seconds of the calendar.
  func bytes(at time: time_t = Glibc.time(nil)) -> [UInt8] {
    let body = Array(text.utf8)
    var head = [
      "HTTP/1.1 \(status.rawValue) \(status.reason)", "Date: \(Self.date(time))",
      "Content-Type: \(type)", "Content-Length: \(body.count)", "Connection: close",
    ]
    if status == .methodNotAllowed { head.append("Allow: GET, HEAD") }
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (isHead ? [] : body)
  }

  /// RFC 9110, 5.6.7.
  private static func date(_ time: time_t) -> String {
    var time = time
    var parts = unsafe tm()
    _ = unsafe gmtime_r(&time, &parts)
    let (weekday, day, month, year) = unsafe (
      parts.tm_wday, parts.tm_mday, parts.tm_mon, parts.tm_year + 1900
    )
    let clock = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec]
    func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    return "\(days[Int(weekday) % 7]), \(two(day)) \(months[Int(month) % 12]) \(year) "
      + clock.map(two).joined(separator: ":") + " GMT"
  }
}
