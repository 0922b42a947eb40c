// Members in the order in which they came. Keys are compared byte for byte, unlike String, which
// takes different spellings of a letter for the same key.

/// A JSON object. Looking a key up costs the same in objects of any size.
package struct JSONObject: Sendable {
  package struct Member: Sendable {
    package let key: String
    package var value: JSON
  }

  /// In order.
  package private(set) var members: [Member] = []
  /// Where each key is; only of objects that are too large to search.
  private var places: [ByteKey: Int] = [:]
  private static let searched = 8

  package init() {}

  package var isEmpty: Bool { members.isEmpty }
  package var count: Int { members.count }

  /// The value of a key. Setting it keeps the key's place or adds it at the end; nil removes it.
  package subscript(key: String) -> JSON? {
    get { place(of: key).map { members[$0].value } }
    set {
      switch (place(of: key), newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil):
        members.remove(at: place)
        index()
      case (nil, let value?): append(key, value)
      case (nil, nil): break
      }
    }
  }

  /// Adds a member. False when the key is there already.
  package mutating func insert(_ key: String, _ value: JSON) -> Bool {
    guard place(of: key) == nil else { return false }
    append(key, value)
    return true
  }

  private mutating func append(_ key: String, _ value: JSON) {
    members.append(Member(key: key, value: value))
    if places.isEmpty { index() } else { places[ByteKey(text: key)] = members.count - 1 }
  }

  private mutating func index() {
    places.removeAll()
    guard members.count > Self.searched else { return }
    for (place, member) in members.enumerated() { places[ByteKey(text: member.key)] = place }
  }

  private func place(of key: String) -> Int? {
    guard places.isEmpty else { return places[ByteKey(text: key)] }
    return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }

  private struct ByteKey: Hashable {
    let text: String

    static func == (left: ByteKey, right: ByteKey) -> Bool {
      left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
      for byte in text.utf8 { hasher.combine(byte) }
    }
  }
}

/// Without regard to order.
extension JSONObject: Equatable {
  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSON)...) {
    for (key, value) in elements { self[key] = value }
  }
}
