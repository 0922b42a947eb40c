// Random accesses of regions of every size and place, against an array of bytes and the plainest check.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import UIO

@Test func registersAreBytesOfTheRegionAndNothingBesideIt() throws {
  var random = SeededGenerator()
  let length = 256
  for _ in 0..<repetitions(400) {
    let node = MortalNode()
    let gate = LivenessGate(device: node.file, hasInterrupt: true, for: .max)
    let memory = try #require(
      mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    defer { munmap(memory, 4096) }
    let offset = Int.random(in: 0...16, using: &random) * 8
    let size = Int.random(in: 0...length - offset, using: &random)
    let region = RegisterRegion(
      name: "map0", mapping: memory, length: 4096, offset: offset, size: size, gate: gate)
    var bytes = [UInt8](repeating: 0, count: length)
    for _ in 0..<50 {
      let width = [1, 2, 4, 8].randomElement(using: &random) ?? 1
      let place =
        [
          .random(in: -9...size + 9, using: &random),
          .random(in: 0...max(size - 1, 0), using: &random) / 8 * 8,
          .min, .max, .max - width + 1,
        ].randomElement(using: &random) ?? 0
      let isInside = place >= 0 && place % width == 0 && place <= size - width
      let value = UInt64.random(in: 0 ... .max, using: &random)
      if Bool.random(using: &random) {
        #expect(
          write(region, width, place, value) == isInside, "\(width) bytes at \(place) of \(size)")
        guard isInside else { continue }
        for index in 0..<width {
          bytes[offset + place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
      } else {
        var wanted: UInt64?
        if isInside {
          wanted = (0..<width).reduce(0) {
            $0 | UInt64(bytes[offset + place + $1]) << UInt64(8 * $1)
          }
        }
        #expect(read(region, width, place) == wanted, "\(width) bytes at \(place) of \(size)")
      }
    }
    #expect(Array(UnsafeRawBufferPointer(start: memory, count: length)) == bytes)
  }
}

private func read(_ region: RegisterRegion, _ width: Int, _ place: Int) -> UInt64? {
  switch width {
  case 1: (try? region.read8(at: place)).map(UInt64.init)
  case 2: (try? region.read16(at: place)).map(UInt64.init)
  case 4: (try? region.read32(at: place)).map(UInt64.init)
  default: try? region.read64(at: place)
  }
}

private func write(_ region: RegisterRegion, _ width: Int, _ place: Int, _ value: UInt64) -> Bool {
  do {
    switch width {
    case 1: try region.write8(UInt8(truncatingIfNeeded: value), at: place)
    case 2: try region.write16(UInt16(truncatingIfNeeded: value), at: place)
    case 4: try region.write32(UInt32(truncatingIfNeeded: value), at: place)
    default: try region.write64(value, at: place)
    }
    return true
  } catch {
    return false
  }
}
