// Floor 6. Checks each reply against the interface: a member that is missing or has another type is
// an error, never a guess. Members that this version does not know are ignored. DaemonConnection
// makes one of each reply, and every type of this module that the daemon sends is built from it, on
// the caller's thread, without a lock.
import LinuxSystem
import Varlink

/// Reads the members of one reply or of an object in it.
struct ReplyReader {
  let object: JSONObject
  private let device: String
  private let operation: String

  init(_ object: JSONObject, device: String, operation: String) {
    self.object = object
    self.device = device
    self.operation = operation
  }

  func violation(_ cause: String) -> InterruptSyncClientError {
    InterruptSyncClientError(
      .protocolViolation, object: device, operation: operation,
      cause: "the daemon's answer does not match its interface: \(cause)",
      hint: "the daemon has another version: restart it after an upgrade")
  }

  private func required<T>(_ key: String, _ value: T?) throws(InterruptSyncClientError) -> T {
    guard let value else { throw violation("\(key) is missing or has the wrong type") }
    return value
  }

  func string(_ key: String) throws(InterruptSyncClientError) -> String {
    try required(key, object[key]?.string)
  }

  func optionalString(_ key: String) -> String? { object[key]?.string }

  func count(_ key: String) throws(InterruptSyncClientError) -> UInt64 {
    try required(key, object[key]?.uint64)
  }

  /// A time that the interface gives in nanoseconds.
  func nanoseconds(_ key: String) throws(InterruptSyncClientError) -> Duration {
    .nanoseconds(try count(key))
  }

  func optionalNanoseconds(_ key: String) -> Duration? {
    object[key]?.uint64.map { .nanoseconds($0) }
  }

  func bool(_ key: String) throws(InterruptSyncClientError) -> Bool {
    try required(key, object[key]?.bool)
  }

  func optionalInt(_ key: String) -> Int? { object[key]?.int64.map { Int($0) } }

  func strings(_ key: String) throws(InterruptSyncClientError) -> [String] {
    let values = try required(key, object[key]?.array)
    let texts = values.compactMap(\.string)
    guard texts.count == values.count else { throw violation("\(key) is not a list of strings") }
    return texts
  }

  func counts(_ key: String) throws(InterruptSyncClientError) -> [UInt64] {
    let values = try required(key, object[key]?.array)
    let numbers = values.compactMap(\.uint64)
    guard numbers.count == values.count else { throw violation("\(key) is not a list of numbers") }
    return numbers
  }

  /// Empty where there are none.
  func processors(_ key: String) -> Set<Int> {
    Set((object[key]?.array ?? []).compactMap { $0.int64.map { Int($0) } })
  }

  /// The objects of a list, each read by `body`.
  func list<Element>(
    _ key: String, _ body: (ReplyReader) throws(InterruptSyncClientError) -> Element
  ) throws(InterruptSyncClientError) -> [Element] {
    let values = try required(key, object[key]?.array)
    var elements: [Element] = []
    elements.reserveCapacity(values.count)
    for value in values { elements.append(try body(try reader(key, value.object))) }
    return elements
  }

  func reader(_ key: String) throws(InterruptSyncClientError) -> ReplyReader {
    try reader(key, object[key]?.object)
  }

  private func reader(
    _ key: String, _ value: JSONObject?
  ) throws(InterruptSyncClientError) -> ReplyReader {
    ReplyReader(try required(key, value), device: device, operation: operation)
  }

  /// The descriptor whose index in the message a member gives.
  func descriptor(
    _ key: String, _ all: [FileDescriptor]
  ) throws(InterruptSyncClientError) -> FileDescriptor {
    let number = try count(key)
    guard number < all.count else {
      throw violation("\(key) names a descriptor that was not passed")
    }
    return all[Int(number)]
  }
}
