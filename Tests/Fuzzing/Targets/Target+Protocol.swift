// The control plane's texts: JSON, the header of a call, interface descriptions.
@testable import Varlink

extension Target {
  static func json(_ bytes: [UInt8]) {
    guard let value = try? JSONParser.parse(bytes) else { return }
    let written = JSONWriter.bytes(value)
    guard let again = try? JSONParser.parse(written) else {
      fatalError("what was written is not read")
    }
    expect(JSONWriter.bytes(again) == written, "what was read and written differs")
  }

  static func header(_ bytes: [UInt8]) {
    guard let header = try? CallHeader(bytes) else { return }
    // The header is read from the text; the parser must agree that it is an object.
    guard let value = try? JSONParser.parse(bytes), case .object(let object) = value else {
      fatalError("a header of what is no object")
    }
    expect(object["method"]?.string == header.method, "another method")
  }

  static func interface(_ bytes: [UInt8]) {
    guard let text = text(bytes), let read = try? InterfaceDescription(text) else { return }
    for method in ["Call", "Echo", "A"] { _ = read.method(method) }
    _ = try? InterfaceDescription(text, dialect: .common)
  }
}
