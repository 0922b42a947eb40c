import InterruptSync

/// A command as it stands in a submission queue, without its identifier (NVM Express base specification
/// 1.4, sections 4.2 and 5).
struct Command: Sendable {
  static let size = 64
  private(set) var words = InlineArray<16, UInt32>(repeating: 0)

  /// - Parameters:
  ///   - pages: up to two of the controller's, each at its beginning.
  ///   - parameters: dwords 10 to 12.
  init(
    _ opcode: UInt32, _ namespace: UInt32 = 0, pages: (UInt64, UInt64) = (0, 0),
    _ parameters: (UInt32, UInt32, UInt32) = (0, 0, 0)
  ) {
    (words[0], words[1]) = (opcode, namespace)
    (words[6], words[7]) = (UInt32(pages.0 & 0xffff_ffff), UInt32(pages.0 >> 32))
    (words[8], words[9]) = (UInt32(pages.1 & 0xffff_ffff), UInt32(pages.1 >> 32))
    (words[10], words[11], words[12]) = parameters
  }

  /// Makes one of a queue's rings. Completions interrupt by the vector of the queue's number.
  static func create(_ queue: Queue, submissions: Bool) -> Command {
    let ring = submissions ? queue.submissions : queue.completions
    let (size, number) = (UInt32(Queue.depth - 1) << 16, UInt32(queue.number))
    return Command(
      submissions ? 0x01 : 0x05, pages: (ring.deviceAddress, 0),
      (size | number, number << 16 | (submissions ? 1 : 3), 0))
  }

  /// The controller, or a namespace of it.
  static func identify(_ namespace: UInt32? = nil, into page: DMABuffer) -> Command {
    Command(
      0x06, namespace ?? 0, pages: (page.deviceAddress, 0), (namespace == nil ? 1 : 0, 0, 0))
  }

  /// Answers with how many of both kinds there are, each less one.
  static func setNumberOfQueues(_ count: UInt32) -> Command {
    Command(0x09, pages: (0, 0), (7, (count - 1) << 16 | (count - 1), 0))
  }

  static func transfer(
    writes: Bool, _ blocks: Range<UInt64>, of namespace: UInt32, _ pages: (UInt64, UInt64)
  ) -> Command {
    let first = (UInt32(blocks.lowerBound & 0xffff_ffff), UInt32(blocks.lowerBound >> 32))
    return Command(
      writes ? 0x01 : 0x02, namespace, pages: pages, (first.0, first.1, UInt32(blocks.count - 1)))
  }

  static func flush(_ namespace: UInt32) -> Command { Command(0x00, namespace) }
}
