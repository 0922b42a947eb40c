// Totals in memory that the service manager keeps while the daemon is not there. Two places take
// turns: a daemon that is killed while it writes one leaves the other whole.
import CUIO
import Glibc
package import UIO

/// The file of totals. Only the control thread uses it.
package final class StateFile {
  /// To be given to the manager under the name `state`, once: it sees what is written later.
  package let file: FileDescriptor
  private var sequence: UInt64

  static let placeSize = 256 * 1024

  private init(_ file: FileDescriptor, sequence: UInt64) {
    self.file = file
    self.sequence = sequence
  }

  /// A new one, with nothing in it.
  /// - Throws: `resourcesExhausted`.
  package convenience init() throws(UIOError) {
    let fd = unsafe cuio_memory_create("interruptsync-state", UInt64(2 * Self.placeSize))
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "interruptsyncd", operation: "keep totals over restarts",
        cause: "no file in memory to be had", errno: -fd)
    }
    self.init(FileDescriptor(adopting: fd), sequence: 0)
  }

  /// One of an earlier process, with the totals it saved last.
  /// - Throws: `StateFault` when there is nothing in it that can be trusted.
  package static func inherit(_ file: FileDescriptor) throws(StateFault) -> (
    file: StateFile, devices: [DeviceTotals]
  ) {
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_size == off_t(2 * placeSize)
    else { throw StateFault("it is no file of the size that totals have") }
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

  /// Writes the place that does not have the newest table.
  /// - Returns: 0 or an error number; `ENOSPC` for more devices than there is room for.
  package func save(_ devices: [DeviceTotals]) -> Int32 {
    let bytes = StateTable(sequence: sequence &+ 1, devices: devices).bytes
    guard bytes.count <= Self.placeSize else { return ENOSPC }
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
