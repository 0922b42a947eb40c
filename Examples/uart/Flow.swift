/// Bytes that go from one port to another, or round in one, and are looked at when they arrive.
struct Flow: Sendable {
  /// The result.
  struct Outcome: Sendable {
    var received = 0
    var wrong = 0
    var sentChecksum: UInt64 = 0
    var receivedChecksum: UInt64 = 0
  }

  let from: Int
  let to: Int
  let bytes: Int
  let seed: UInt64

  func run(on card: SerialCard) async throws -> Outcome {
    async let sent = send(on: card)
    var outcome = try await receive(on: card)
    outcome.sentChecksum = try await sent
    return outcome
  }

  private func send(on card: SerialCard) async throws -> UInt64 {
    var pattern = Pattern(seed: seed)
    var left = bytes
    while left > 0 {
      var block: [UInt8] = []
      for _ in 0..<min(left, 10_000) {
        block.append(pattern.next())
        pattern.add(block[block.count - 1])
      }
      try await card.write(block, to: from)
      left -= block.count
    }
    return pattern.checksum
  }

  private func receive(on card: SerialCard) async throws -> Outcome {
    // A late reader: more than the ring holds has to wait outside, and none of it may be lost.
    while bytes > Ring.capacity, try await card.counts(of: to).pauses == 0 {
      try await Task.sleep(for: .milliseconds(1))
    }
    // Bytes of a sender that went on would be lost by now.
    if bytes > Ring.capacity { try await Task.sleep(for: .milliseconds(500)) }
    var pattern = Pattern(seed: seed)
    var outcome = Outcome()
    while outcome.received < bytes {
      for byte in try await card.read(min(bytes - outcome.received, 10_000), from: to) {
        if byte != pattern.next() { outcome.wrong += 1 }
        pattern.add(byte)
        outcome.received += 1
      }
    }
    outcome.receivedChecksum = pattern.checksum
    return outcome
  }
}
