// Heads of requests: RFC 9112, and what is none.
import TestSupport
import Testing

@testable import InterruptSyncService

private func read(_ text: String) -> HTTPRequest.Progress { HTTPRequest.read(Array(text.utf8)) }

@Test(arguments: [
  ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/metrics"),
  ("GET /metrics HTTP/1.1\nHost: x\n\n", "GET", "/metrics"),
  ("\r\n\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/"),
  ("HEAD /metrics?a=b?c HTTP/1.1\r\nhOsT:y\r\nAccept: a, b\t\r\n\r\n", "HEAD", "/metrics"),
  ("GET /metrics HTTP/1.0\r\n\r\n", "GET", "/metrics"),
  ("GET http://localhost/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET", "/metrics"),
  ("GET HTTP://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET", "/"),
  ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS", "*"),
  ("M-SEARCH! /%2e HTTP/1.7\r\nHost: x\r\n\r\n", "M-SEARCH!", "/%2e"),
  ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST", "/metrics"),
])
func headOfARequestIsRead(text: String, method: String, path: String) {
  #expect(read(text) == .complete(HTTPRequest(method: method, path: path)))
}

@Test(arguments: [
  "GET /metrics\r\n\r\n", "GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET\r\n\r\n",
  " GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
  "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "GET metrics HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /\u{7f} HTTP/1.1\r\nHost: x\r\n\r\n", "GET /é HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / http/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/11\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
  "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nA: b\u{0}c\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
  "{\"method\":\"org.varlink.service.GetInfo\"}\r\n\r\n",
])
func whatIsNoRequestIsBad(text: String) {
  #expect(read(text) == .refused(.badRequest))
}

@Test(arguments: ["0.9", "2.0", "3.1"])
func otherVersionsAreNotSpoken(version: String) {
  #expect(read("GET / HTTP/\(version)\r\nHost: x\r\n\r\n") == .refused(.versionNotSupported))
}

@Test func requestIsCompleteWithItsEmptyLineAndNotBefore() {
  let text = Array("\r\nGET /metrics HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n".utf8)
  for count in 0..<text.count {
    #expect(HTTPRequest.read(Array(text[..<count])) == .incomplete)
  }
  #expect(HTTPRequest.read(text) == .complete(HTTPRequest(method: "GET", path: "/metrics")))
}

@Test func headBeyondItsLimitsIsRefused() {
  let start = "GET / HTTP/1.1\r\nHost: x\r\n"
  let long = String(repeating: "x", count: HTTPRequest.sizeLimit)
  #expect(read(start + "A: \(long)") == .refused(.headTooLarge))
  #expect(read(start + "A: \(long)\r\n\r\n") == .refused(.headTooLarge))
  #expect(read("GET /\(long)") == .refused(.headTooLarge))
  let fields = String(repeating: "A: b\r\n", count: HTTPRequest.lineLimit)
  #expect(read(start + fields) == .refused(.headTooLarge))
  #expect(read(String(repeating: "\r\n", count: 200)) == .refused(.headTooLarge))
  let room = HTTPRequest.sizeLimit - start.utf8.count - "A: \r\n\r\n".utf8.count
  let most = start + "A: \(String(repeating: "x", count: room))\r\n\r\n"
  #expect(read(most) == .complete(HTTPRequest(method: "GET", path: "/")))
}

@Test func bytesAtRandomAreNeverARequest() {
  var generator = SeededGenerator()
  let words = [
    "GET", " ", "/", "/metrics", "HTTP/1.1", "\r", "\n", "\r\n", "Host", ":", "x", "\t", "\u{0}",
    "é", "?", "http://",
  ]
  for _ in 0..<20_000 {
    var text = ""
    for _ in 0..<Int.random(in: 0...20, using: &generator) {
      text += words.randomElement(using: &generator) ?? ""
    }
    if case .complete(let request) = read(text) {
      #expect(
        text.contains("Host") && text.contains("HTTP/1.1") && !request.path.isEmpty)
    }
  }
}

@Test func answerHasItsLengthAndTheDayInEnglish() {
  var response = HTTPResponse(.ok, type: "text/x", text: "é\n")
  let head =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/x\r\n"
    + "Content-Length: 3\r\nConnection: close\r\n\r\n"
  #expect(String(decoding: response.bytes(at: 784_111_777), as: UTF8.self) == head + "é\n")
  response.isHead = true
  #expect(String(decoding: response.bytes(at: 784_111_777), as: UTF8.self) == head)
  let refused = String(decoding: HTTPResponse(.methodNotAllowed).bytes(), as: UTF8.self)
  #expect(refused.contains("\r\nAllow: GET, HEAD\r\n"))
  for status in HTTPResponse.Status.allCases { #expect(!status.reason.isEmpty) }
}
