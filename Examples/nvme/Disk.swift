import InterruptSync

/// The first namespace of an NVMe controller behind vfio-pci. Queue 0 is for administration; each other
/// queue has a vector, and so a lock, of its own. Blocks go through all of them at once.
final class Disk: Sendable {
  private static let namespace: UInt32 = 1
  /// Queues for blocks, where the controller has as many.
  private static let wanted: UInt32 = 4

  let name: String
  let blockSize: Int
  let blocks: UInt64
  /// The admin queue first.
  let queues: [Queue]
  private let buffers: [DMABuffer]
  private let page: Int
  /// What a command transfers without a list of pages.
  private var step: Int { 2 * page }

  init(_ id: String) async throws {
    let controller = try Controller(id)
    let admin = try Queue(0, controller)
    try await controller.restart(admin)
    let page = controller.page
    let answer = try DMABuffer(
      controller.device, size: page, alignment: page, direction: .fromDevice)
    try await admin.execute(.identify(into: answer))
    let names = try [answer.read(40, at: 24), answer.read(20, at: 4)].map {
      String(decoding: $0, as: UTF8.self).split(separator: " ").joined(separator: " ")
    }
    name = names.joined(separator: ", serial ")
    try await admin.execute(.identify(Self.namespace, into: answer))
    let fields = answer.region()
    blocks = try fields.read64(at: 0)
    let format = 128 + 4 * Int(try fields.read8(at: 26) & 0xf)
    blockSize = 1 << Int(try fields.read8(at: format + 2))
    let granted = try await admin.execute(.setNumberOfQueues(Self.wanted))
    let count = min(Int(granted & 0xffff), Int(granted >> 16)) + 1
    var queues = [admin]
    for number in 1...min(count, Int(Self.wanted), controller.device.vectorCount - 1) {
      let queue = try Queue(number, controller)
      try await admin.execute(.create(queue, submissions: false))
      try await admin.execute(.create(queue, submissions: true))
      queues.append(queue)
    }
    self.queues = queues
    self.page = page
    buffers = try queues.map { _ in
      try DMABuffer(controller.device, size: Queue.slots * 2 * page, alignment: page)
    }
  }

  func close() throws { for queue in queues.reversed() { try queue.disconnect() } }

  func read(_ blocks: Range<UInt64>) async throws -> [UInt8] {
    let parts = try await transfer(blocks, nil)
    return parts.sorted { $0.key < $1.key }.flatMap(\.value)
  }

  /// Writes whole blocks, and returns once they are on the disk.
  func write(_ data: [UInt8], to blocks: Range<UInt64>) async throws {
    _ = try await transfer(blocks, data)
    try await queues[1].execute(.flush(Self.namespace))
  }

  /// Every slot of every queue is a task. Returns what was read, by its first block.
  private func transfer(_ blocks: Range<UInt64>, _ data: [UInt8]?) async throws -> [UInt64: [UInt8]]
  {
    let tasks = (queues.count - 1) * Queue.slots
    let count = UInt64(step / blockSize)
    return try await withThrowingTaskGroup(of: [UInt64: [UInt8]].self) { group in
      for task in 0..<tasks {
        group.addTask { [self] in
          var parts: [UInt64: [UInt8]] = [:]
          let first = blocks.lowerBound + UInt64(task) * count
          for start in stride(from: first, to: blocks.upperBound, by: tasks * Int(count)) {
            let part = start..<min(start + count, blocks.upperBound)
            let place = Int(start - blocks.lowerBound) * blockSize
            let bytes = data?[place..<place + part.count * blockSize]
            parts[start] = try await move(part, bytes, task)
          }
          return parts
        }
      }
      return try await group.reduce(into: [:]) { $0.merge($1) { $1 } }
    }
  }

  /// One command. Returns what was read.
  private func move(
    _ blocks: Range<UInt64>, _ data: ArraySlice<UInt8>?, _ task: Int
  ) async throws -> [UInt8] {
    let (queue, slot) = (1 + task / Queue.slots, task % Queue.slots)
    let (buffer, offset) = (buffers[queue], slot * step)
    let count = blocks.count * blockSize
    if let data { try buffer.write(data, at: offset) }
    let address = buffer.deviceAddress + UInt64(offset)
    let pages = (address, count > page ? address + UInt64(page) : 0)
    try await queues[queue].execute(
      .transfer(writes: data != nil, blocks, of: Self.namespace, pages), slot: slot)
    return data == nil ? try buffer.read(count, at: offset) : []
  }
}
