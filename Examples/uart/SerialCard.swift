import InterruptSync

/// A card with four 16550s on one interrupt line (QEMU's pci-serial-4x, 1b36:0004): one sync object,
/// and a service routine for each port. A port is for one reader and one writer at a time.
final class SerialCard: Sendable {
  static let ports = 4
  /// BAR 0: four blocks of eight registers.
  private static let stride = 8

  private let sync: Interrupt<InlineArray<4, UART>>
  private let readable: [Signal]
  private let writable: [Signal]

  init(_ id: String) throws {
    let device = try UIODevice(UIODeviceID(id))
    let registers = try device.region(bar: 0)
    let queue = try DeferredQueue(name: "uart")
    let readable = (0..<Self.ports).map { _ in Signal(on: queue) }
    let writable = (0..<Self.ports).map { _ in Signal(on: queue) }
    let uarts = try InlineArray<4, UART> { (port) throws(UIOError) in
      try UART(
        in: registers, at: port * Self.stride, readable: readable[port], writable: writable[port])
    }
    var options = InterruptSyncOptions()
    // Wakes the waiting tasks; their next access finds that the device was removed.
    options.report = { _ in for signal in readable + writable { signal.raise() } }
    // Mode all: a port that always has something to do must not keep others waiting (P16).
    sync = Interrupt(uarts, source: try UIOLine(device), mode: .all, options: options)
    self.readable = readable
    self.writable = writable
    for port in 0..<Self.ports {
      try sync.register { uarts in
        // A device that has gone is the report's to tell.
        do throws(UIOError) { return try uarts[port].serve() } catch { return .notMine }
      }
    }
    try sync.connect()
  }

  /// - Parameters:
  ///   - divisor: of 115200 baud.
  ///   - loopback: the port receives what it sends.
  func open(_ port: Int, divisor: UInt16 = 1, loopback: Bool = false) async throws {
    try await sync.synchronize { (uarts) throws(UIOError) in
      try uarts[port].start(divisor: divisor, loopback: loopback)
    }
  }

  /// Returns when all bytes are on their way: the port's ring has the last ones.
  func write(_ bytes: [UInt8], to port: Int) async throws {
    var rest = bytes[...]
    while true {
      let taken = try await sync.synchronize { [rest] (uarts) throws(UIOError) in
        try uarts[port].put(rest)
      }
      rest = rest.dropFirst(taken)
      if rest.isEmpty { return }
      try await writable[port].wait()
    }
  }

  /// Waits for `count` bytes.
  func read(_ count: Int, from port: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while true {
      let missing = count - bytes.count
      var chunk = try await sync.synchronize { (uarts) throws(UIOError) in
        try uarts[port].take(missing)
      }
      while let byte = chunk.popFirst() { bytes.append(byte) }
      if bytes.count == count { return bytes }
      try await readable[port].wait()
    }
  }

  func counts(of port: Int) async throws -> UART.Counts {
    try await sync.synchronize { $0[port].counts }
  }

  /// Times the card was serviced.
  var dispatches: UInt64 { sync.statistics().dispatches }

  /// Silences every port and disconnects the line.
  func close() async throws -> InterruptStatistics {
    try await sync.synchronize { (uarts) throws(UIOError) in
      for port in 0..<Self.ports { try uarts[port].stop() }
    }
    try sync.disconnect()
    return sync.statistics()
  }
}
