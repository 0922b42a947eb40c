// The totals as bytes: little endian, with a header that tells a table that is whole from one whose
// writer was killed.
//
//   magic 8, version u32, length u32, sequence u64, checksum u64, records u32, then per record
//   id length u16, id, count u32, totals u64 each

import InterruptSync

/// Totals of all devices at one moment.
package struct StateTable: Equatable, Sendable {
  /// Rises with every save.
  package var sequence: UInt64
  package var devices: [DeviceTotals]

  static let magic: [UInt8] = Array("ISYNCTOT".utf8)
  static let version: UInt32 = 1
  static let headerSize = 36
  private static let checksumPlace = 24..<32

  package init(sequence: UInt64, devices: [DeviceTotals]) {
    self.sequence = sequence
    self.devices = devices
  }

  /// Reads a table at the beginning of `bytes`, whatever they are.
  /// - Throws: `StateFault`.
  package init(_ bytes: [UInt8]) throws(StateFault) {
    var reader = ByteReader(bytes[...])
    guard try reader.bytes(8).elementsEqual(Self.magic) else {
      throw StateFault("it has no header")
    }
    let version = try reader.number(UInt32.self)
    guard version == Self.version else { throw StateFault("it is of version \(version)") }
    let length = try reader.number(UInt32.self)
    guard length >= Self.headerSize, length <= bytes.count else {
      throw StateFault("its length of \(length) bytes cannot be")
    }
    let whole = Array(bytes.prefix(Int(length)))
    reader = ByteReader(whole[16...])
    sequence = try reader.number(UInt64.self)
    guard try reader.number(UInt64.self) == Self.checksum(whole) else {
      throw StateFault("its checksum is wrong")
    }
    let count = try reader.number(UInt32.self)
    devices = []
    for _ in 0..<count { devices.append(try Self.record(&reader)) }
    guard reader.isAtEnd else { throw StateFault("there is more in it than its records") }
    guard Set(devices.map(\.id)).count == devices.count else {
      throw StateFault("a device is in it twice")
    }
  }

  package var bytes: [UInt8] {
    var body: [UInt8] = []
    for device in devices {
      let id = Array(device.id.utf8.prefix(Int(UInt16.max)))
      body += Self.little(UInt16(id.count)) + id + Self.little(device.count)
      for field in DeviceTotals.fields { body += Self.little(device.statistics[keyPath: field]) }
    }
    var bytes = Self.magic + Self.little(Self.version)
    bytes += Self.little(UInt32(Self.headerSize + body.count)) + Self.little(sequence)
    bytes += Self.little(UInt64(0)) + Self.little(UInt32(devices.count)) + body
    bytes.replaceSubrange(Self.checksumPlace, with: Self.little(Self.checksum(bytes)))
    return bytes
  }

  private static func record(_ reader: inout ByteReader) throws(StateFault) -> DeviceTotals {
    let length = try reader.number(UInt16.self)
    guard let id = String(validating: try reader.bytes(Int(length)), as: UTF8.self), !id.isEmpty
    else { throw StateFault("the name of a device is no text") }
    var device = DeviceTotals(
      id: id, count: try reader.number(UInt32.self), statistics: .init())
    for field in DeviceTotals.fields {
      device.statistics[keyPath: field] = try reader.number(UInt64.self)
    }
    return device
  }

  /// FNV-1a over all but the checksum itself: enough against a write that was cut off.
  static func checksum(_ bytes: [UInt8]) -> UInt64 {
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    for (place, byte) in bytes.enumerated() where !checksumPlace.contains(place) {
      sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return sum
  }

  private static func little<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> T($0 * 8)) }
  }
}
