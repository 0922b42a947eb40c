// Four 16550s on one line (QEMU pci-serial-4x), each with its own routine: on hardware, the calls that
// P20's table predicts (T9). The register numbers are the 16550's: 0 data, 1 IER, 2 IIR and FCR, 4
// MCR.
import InterruptSync
import UIO

enum UARTTests {
  static let cases = [
    Case("P15_normalOnFourUARTsRefiresUntilAllAreServiced") {
      try run(.normal, calls: ["A+", "A-B+", "A-B-C+", "A-B-C-D+"], passes: 4)
    },
    Case("P16_allOnFourUARTsServicesThemInOneDispatch") {
      try run(.all, calls: ["A+B+C+D+"], passes: 1)
    },
    Case("P17_repeatOnFourUARTsEndsWithACleanPass") {
      try run(.repeat, calls: ["A+B+C+D+A-B-C-D-"], passes: 2)
    },
    Case("P15_normalOnOneOfFourUARTsCallsTheOnesBeforeIt") {
      try run(.normal, ports: [2], calls: ["A-B-C+"], passes: 1)
    },
    Case("P17_repeatOnOneOfFourUARTs") {
      try run(.repeat, ports: [2], calls: ["A-B-C+D-A-B-C-D-"], passes: 2)
    },
  ]

  /// Makes each of `ports` receive a byte at the same moment, a hundred times.
  private static func run(
    _ mode: InterruptSyncMode, ports: [Int] = [0, 1, 2, 3], calls: [String], passes: UInt64
  ) throws {
    let card = try SerialCard()
    let object = InterruptSyncObject(source: try UIOLine(card.device), mode: mode)
    for port in 0..<4 { try object.registerServiceRoutine { card.service(port) } }
    try object.connect()
    for round in 1...100 {
      let before = object.statistics()
      // Under the lock, so that no dispatch begins before each port has its byte.
      try object.callSynchronizedRoutine {
        card.log = ""
        for port in ports { card.send(UInt8(round), on: port) }
      }
      try Guest.waitFor("the dispatches of round \(round)") {
        object.dispatchCount >= before.dispatches + UInt64(calls.count)
      }
      let seen = try object.callSynchronizedRoutine { (card.log, card.errors) }
      try expectEqual(seen.0, calls.joined(), "calls of round \(round)")
      try expectEqual(seen.1, 0, "register errors")
      let after = object.statistics()
      try expectEqual(after.dispatches - before.dispatches, UInt64(calls.count), "dispatches")
      try expectEqual(after.passes - before.passes, passes, "passes")
      try expectEqual(after.claimed - before.claimed, UInt64(calls.count), "claimed (P19)")
    }
    try object.disconnect()
    try expectEqual(
      card.received.map { $0 }, (0..<4).map { ports.contains($0) ? 100 : 0 }, "bytes received")
  }
}

/// The card in loopback, reached through its I/O BAR.
final class SerialCard: @unchecked Sendable {
  let device: UIODevice
  private let registers: RegisterRegion
  /// Calls in order: the port's letter, and whether it claimed.
  var log = ""
  var received = [0, 0, 0, 0]
  private(set) var errors = 0

  init() throws {
    device = try Guest.open(Guest.serial)
    registers = try device.region(bar: 0)
    try expectEqual(registers.kind, .port, "kind of the BAR")
    for port in 0..<4 {
      try registers.write8(0x07, at: port * 8 + 2)
      try registers.write8(0x18, at: port * 8 + 4)
      try registers.write8(0x01, at: port * 8 + 1)
    }
  }

  func send(_ byte: UInt8, on port: Int) {
    do throws(UIOError) { try registers.write8(byte, at: port * 8) } catch { errors += 1 }
  }

  /// Claims if the port has a byte, and reads it.
  func service(_ port: Int) -> NTStatus {
    let letter = ["A", "B", "C", "D"][port]
    do throws(UIOError) {
      guard try registers.read8(at: port * 8 + 2) & 1 == 0 else {
        log += letter + "-"
        return .unsuccessful
      }
      _ = try registers.read8(at: port * 8)
      received[port] += 1
      log += letter + "+"
      return .success
    } catch {
      errors += 1
      return .unsuccessful
    }
  }
}
