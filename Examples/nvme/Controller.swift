import InterruptSync

/// The controller as a whole (NVM Express base specification 1.4, section 3.1).
struct Controller: Sendable {
  private enum Register {
    static let capabilities = 0x00
    static let configuration = 0x14
    static let status = 0x1c
    static let adminSizes = 0x24
    static let adminSubmissions = 0x28
    static let adminCompletions = 0x30
    static let doorbells = 0x1000
  }

  let device: VFIODevice
  let registers: RegisterRegion
  /// Bytes of its smallest page of memory.
  let page: Int
  private let stride: Int
  private let timeout: Duration

  init(_ id: String) throws {
    device = try VFIODevice(id, interrupt: .msix)
    registers = try device.region(bar: 0)
    let capabilities = try registers.read64(at: Register.capabilities)
    let longest = Int(capabilities & 0xffff) + 1
    guard longest >= Queue.depth, device.vectorCount >= 2 else {
      throw Failure(
        description: "\(device): queues of \(longest) entries and \(device.vectorCount) vectors"
          + " are too few")
    }
    timeout = .milliseconds(500 * max(1, Int(capabilities >> 24 & 0xff)))
    stride = 4 << Int(capabilities >> 32 & 0xf)
    page = 4096 << Int(capabilities >> 48 & 0xf)
  }

  func doorbell(_ queue: Int) -> (tail: Int, head: Int) {
    let first = Register.doorbells + 2 * queue * stride
    return (first, first + stride)
  }

  /// Off, and on with the queue that makes the others.
  func restart(_ admin: Queue) async throws {
    try registers.write32(0, at: Register.configuration)
    try await become(ready: false)
    let last = UInt32(Queue.depth - 1)
    try registers.write32(last << 16 | last, at: Register.adminSizes)
    try registers.write64(admin.submissions.deviceAddress, at: Register.adminSubmissions)
    try registers.write64(admin.completions.deviceAddress, at: Register.adminCompletions)
    // Completions of 2^4 bytes, commands of 2^6, pages of 2^12 doubled so often.
    let pages = UInt32((page / 4096).trailingZeroBitCount)
    try registers.write32(4 << 20 | 6 << 16 | pages << 7 | 1, at: Register.configuration)
    try await become(ready: true)
  }

  /// No interrupt says so.
  private func become(ready: Bool) async throws {
    let deadline = ContinuousClock.now + timeout
    while true {
      let status = try registers.read32(at: Register.status)
      if status & 1 == (ready ? 1 : 0) { return }
      guard status & 2 == 0, ContinuousClock.now < deadline else {
        throw Failure(description: "\(device) did not become \(ready ? "" : "un")ready: \(status)")
      }
      try await Task.sleep(for: .milliseconds(1))
    }
  }
}
