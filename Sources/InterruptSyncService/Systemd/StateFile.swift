// Systemd room. The totals of all devices in a memory file that the service manager keeps while the
// daemon is not running. ServiceManagerBridge makes it or takes it over at the start, and saves
// once a second and when a device connects or closes. The file has two places that take turns: a
// daemon that is killed while it writes one leaves the other whole. Control thread; no lock.
//
// A place holds one table, little endian. Its header tells a whole table from one whose writer was
// killed:
//
//   magic 8, version u32, length u32, sequence u64, checksum u64, records u32, header size u32
//
// Records begin behind the header:
//
//   size u32 of what follows, id length u16, id, count u32, number of totals u16, totals u64 each
//
// The rule for later versions: a field, once there, keeps its place and meaning. New ones come at the
// end: of the header, of the totals, of a record, of the table. A reader skips what is behind those
// it knows, and takes 0 for those that are not there. So every version from 2 on reads every other.
// Version 1 had neither the header's size nor a record's sizes, and twelve totals; it is read, too.
import CUIO
package import DeviceIdentity
import Glibc
package import InterruptSync
package import LinuxSystem

/// The file of totals.
package final class StateFile {
  /// Give it to the manager once, under the name `state`: the manager sees later writes.
  package let file: FileDescriptor
  private var sequence: UInt64

  static let placeSize = 256 * 1024

  private init(_ file: FileDescriptor, sequence: UInt64) {
    self.file = file
    self.sequence = sequence
  }

  /// Makes an empty file.
  /// - Throws: `resourcesExhausted`.
  package convenience init() throws(UIOError) {
    let fd = unsafe linux_memory_create("interruptsync-state", UInt64(2 * Self.placeSize))
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "interruptsyncd", operation: "keep totals over restarts",
        cause: "cannot create a memory file",
        hint: UIOOperation.limitHint, errno: -fd)
    }
    self.init(FileDescriptor(adopting: fd), sequence: 0)
  }

  /// Takes over the file of an earlier process, with the totals that it saved last.
  /// - Throws: `StateFault` if no table in it can be trusted.
  package static func inherit(_ file: FileDescriptor) throws(StateFault) -> (
    file: StateFile, devices: [DeviceTotals]
  ) {
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size == off_t(2 * placeSize)
    else { throw StateFault("it is not a file of the size that totals have") }
    var newest: StateTable?
    var fault: StateFault?
    for place in 0..<2 {
      let bytes = read(file, place)
      // Nothing was saved yet.
      if bytes.allSatisfy({ $0 == 0 }) { continue }
      do throws(StateFault) {
        let table = try StateTable(bytes)
        if newest.map({ $0.sequence < table.sequence }) ?? true { newest = table }
      } catch { fault = error }
    }
    if newest == nil, let fault { throw fault }
    return (StateFile(file, sequence: newest?.sequence ?? 0), newest?.devices ?? [])
  }

  /// Writes the place that does not hold the newest table.
  /// - Parameter devices: the most important first: those at the end for which there is no room are
  ///   left out.
  /// - Returns: the number of devices that were saved; 0 and an error number if none was.
  package func save(_ devices: [DeviceTotals]) -> (saved: Int, error: Int32) {
    let (bytes, saved) = StateTable(sequence: sequence &+ 1, devices: devices)
      .bytes(atMost: Self.placeSize)
    let error = write(bytes)
    return error == 0 ? (saved, 0) : (0, error)
  }

  private func write(_ bytes: [UInt8]) -> Int32 {
    var written = 0
    let start = Int(sequence % 2) * Self.placeSize
    while written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes {
        unsafe pwrite(file.raw, $0.baseAddress, $0.count, off_t(start + written))
      }
      if count < 0, errno != EINTR { return errno }
      written += max(count, 0)
    }
    sequence &+= 1
    return 0
  }

  private static func read(_ file: FileDescriptor, _ place: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: placeSize) { buffer, count in
      count = max(
        unsafe pread(file.raw, buffer.baseAddress, placeSize, off_t(place * placeSize)), 0)
    }
  }
}

/// Totals of all devices at one moment.
package struct StateTable: Equatable, Sendable {
  /// Rises with every save.
  package var sequence: UInt64
  package var devices: [DeviceTotals]

  static let magic: [UInt8] = Array("ISYNCTOT".utf8)
  static let version: UInt32 = 2
  static let headerSize = 40
  /// Of version 1, whose records have no sizes.
  private static let firstHeaderSize = 36
  private static let firstTotals: UInt16 = 12
  private static let checksumPlace = 24..<32

  package init(sequence: UInt64, devices: [DeviceTotals]) {
    self.sequence = sequence
    self.devices = devices
  }

  /// Reads a table at the beginning of `bytes`, which may be anything.
  /// - Throws: `StateFault`.
  package init(_ bytes: [UInt8]) throws(StateFault) {
    var reader = ByteReader(bytes[...])
    guard try reader.bytes(8).elementsEqual(Self.magic) else {
      throw StateFault("it has no header")
    }
    let version = try reader.number(UInt32.self)
    guard version > 0 else { throw StateFault("it is of version 0") }
    let length = try reader.number(UInt32.self)
    guard length >= Self.firstHeaderSize, length <= bytes.count else {
      throw StateFault("its length of \(length) bytes is invalid")
    }
    let whole = Array(bytes.prefix(Int(length)))
    reader = ByteReader(whole[16...])
    sequence = try reader.number(UInt64.self)
    guard try reader.number(UInt64.self) == Self.checksum(whole) else {
      throw StateFault("its checksum is wrong")
    }
    let count = try reader.number(UInt32.self)
    if version > 1 {
      let header = try reader.number(UInt32.self)
      guard header >= Self.headerSize, header <= length else {
        throw StateFault("its header of \(header) bytes is invalid")
      }
      reader = ByteReader(whole[Int(header)...])
    }
    devices = []
    for _ in 0..<count {
      devices.append(
        version > 1 ? try Self.record(&reader) : try Self.totals(&reader, Self.firstTotals))
    }
    guard Set(devices.map(\.id)).count == devices.count else {
      throw StateFault("a device is in it twice")
    }
  }

  package var bytes: [UInt8] { bytes(atMost: .max).bytes }

  /// The table with as many devices, from the first on, as `limit` bytes hold, and their number.
  func bytes(atMost limit: Int) -> (bytes: [UInt8], saved: Int) {
    var body: [UInt8] = []
    var saved = 0
    for device in devices {
      let record = Self.record(device)
      guard Self.headerSize + body.count + record.count <= limit else { break }
      body += record
      saved += 1
    }
    var bytes = Self.magic + Self.little(Self.version)
    bytes += Self.little(UInt32(Self.headerSize + body.count)) + Self.little(sequence)
    bytes += Self.little(UInt64(0)) + Self.little(UInt32(saved))
    bytes += Self.little(UInt32(Self.headerSize)) + body
    bytes.replaceSubrange(Self.checksumPlace, with: Self.little(Self.checksum(bytes)))
    return (bytes, saved)
  }

  private static func record(_ device: DeviceTotals) -> [UInt8] {
    let id = Array(device.id.utf8.prefix(Int(UInt16.max)))
    var record = little(UInt16(id.count)) + id + little(device.count)
    record += little(UInt16(DeviceTotals.fields.count))
    for field in DeviceTotals.fields { record += little(device.statistics[keyPath: field]) }
    return little(UInt32(record.count)) + record
  }

  private static func record(_ reader: inout ByteReader) throws(StateFault) -> DeviceTotals {
    let size = try reader.number(UInt32.self)
    // Further bytes of the record belong to a later version.
    var record = ByteReader(try reader.bytes(Int(size)))
    return try totals(&record, nil)
  }

  /// - Parameter count: the number of totals; nil where the record has it.
  private static func totals(
    _ reader: inout ByteReader, _ count: UInt16?
  ) throws(StateFault) -> DeviceTotals {
    let length = try reader.number(UInt16.self)
    guard let id = String(validating: try reader.bytes(Int(length)), as: UTF8.self), !id.isEmpty
    else { throw StateFault("the name of a device is not text") }
    var device = DeviceTotals(
      id: id, count: try reader.number(UInt32.self), statistics: .init())
    let written = if let count { count } else { try reader.number(UInt16.self) }
    for index in 0..<Int(written) {
      let value = try reader.number(UInt64.self)
      guard index < DeviceTotals.fields.count else { continue }
      device.statistics[keyPath: DeviceTotals.fields[index]] = value
    }
    return device
  }

  /// Over all but the checksum itself.
  static func checksum(_ bytes: [UInt8]) -> UInt64 {
    Checksum.of(
      bytes.enumerated().lazy.filter { !checksumPlace.contains($0.offset) }.map(\.element))
  }

  private static func little<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> T($0 * 8)) }
  }
}

/// What the daemon knows of one device over restarts.
package struct DeviceTotals: Equatable, Sendable {
  /// Stable id.
  package var id: String
  /// The kernel's count up to which `statistics.interrupts` goes, modulo 2^32. It has a meaning only
  /// for the descriptor that counted it.
  package var count: UInt32
  /// Without figures per routine and without the longest wait.
  package var statistics: InterruptStatistics

  package init(id: String, count: UInt32, statistics: InterruptStatistics) {
    self.id = id
    self.count = count
    self.statistics = statistics
  }

  /// In the order of the file. New ones come at the end.
  static var fields: [WritableKeyPath<InterruptStatistics, UInt64>] {
    [
      \.interrupts, \.dispatches, \.coalesced, \.claimed, \.unclaimed, \.passes, \.rearmFailures,
      \.storms, \.repeatLimits, \.synchronizedCalls, \.refusedCalls,
      \.longestHoldNanoseconds,
    ]
  }
}

/// FNV-1a: it detects a write that was cut off.
enum Checksum {
  static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}

/// Why what an earlier process left is not usable.
package struct StateFault: Error, Equatable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// Takes numbers and runs of bytes from the front, and never reads beyond the end.
private struct ByteReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func bytes(_ count: Int) throws(StateFault) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw StateFault("it ends too early") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// Little endian.
  mutating func number<T: FixedWidthInteger>(_ type: T.Type) throws(StateFault) -> T {
    try bytes(T.bitWidth / 8).reversed().reduce(0) { $0 << 8 | T($1) }
  }
}
