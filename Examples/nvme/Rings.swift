import InterruptSync

/// A submission and a completion ring: what the service routine and the tasks that hand over commands share. Only under the interrupt lock.
struct Rings: Sendable {
  /// Bytes of a completion.
  static let completion = 16

  let submissions: RegisterRegion
  let completions: RegisterRegion
  let registers: RegisterRegion
  let doorbell: (tail: Int, head: Int)
  /// To order accesses to the rings.
  let memory: DMABuffer
  let completed: [DeferredRoutine]
  var tail = 0
  var head = 0
  /// Of a new completion: the controller flips it each time it comes round.
  var phase: UInt32 = 1
  /// By slot; nil while the controller has the command. A status of 0 is success.
  var outcomes = InlineArray<31, (status: UInt16, result: UInt32)?>(repeating: nil)

  /// Writes a command and rings the doorbell.
  mutating func put(_ command: Command, _ slot: Int) throws(UIOError) {
    outcomes[slot] = nil
    for index in command.words.indices {
      let word = command.words[index] | (index == 0 ? UInt32(slot) << 16 : 0)
      try submissions.write32(word, at: tail * Command.size + 4 * index)
    }
    memory.synchronizeForDevice()
    tail = (tail + 1) % Queue.depth
    try registers.write32(UInt32(tail), at: doorbell.tail)
  }

  /// The service routine: takes every completion that is new, and gives their places back.
  mutating func serve() throws(UIOError) -> Disposition {
    let first = head
    while true {
      let entry = head * Self.completion
      let last = try completions.read32(at: entry + 12)
      guard last >> 16 & 1 == phase else { break }
      // The controller writes the phase last.
      memory.synchronizeForProgram()
      let slot = Int(last & 0xffff)
      if slot < Queue.slots {
        outcomes[slot] = (UInt16(last >> 17), try completions.read32(at: entry))
        completed[slot].enqueue()
      }
      head = (head + 1) % Queue.depth
      if head == 0 { phase ^= 1 }
    }
    // At most 31 commands are under way: it was not once round.
    guard head != first else { return .notMine }
    try registers.write32(UInt32(head), at: doorbell.head)
    return .claimed
  }
}
