// Room Lines: a vector of a VFIO device, or its INTx, as a source of interrupts. The rooms above
// call it: connect and disconnect on the caller's thread at PASSIVE_LEVEL, the brake and the errors
// of reads on the serving thread. None with an interrupt lock held, unless an object ends inside a
// routine: then `detach` may come with it. Arming and disarming take the monitor of the device's
// vectors.
import CUIO
import Glibc
@_exported public import VFIO

extension VFIOLine: InterruptSource {
  /// `pci-0000:01:00.0 msix3`.
  public var name: String { description }

  /// Yes.
  public var isHardware: Bool { true }

  /// An eventfd: a read takes all.
  public var readTakesAll: Bool { true }

  /// While an object is connected. Reads `/proc` and is not for a routine.
  public var interruptNumber: Int? { interruptNumber() }

  /// Gives the line to one object and arms it, with bus mastering on if it is of messages. The object
  /// is dispatched once for it, with a count of 0. Called by connect, at PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it; `removed`, `lineFailed`,
  ///   `resourcesExhausted`, `otherProcess`.
  public func attach() throws(InterruptSyncError) -> InterruptLine {
    let isOurs: Bool
    do throws(UIOError) { isOurs = try claim() } catch {
      guard error.code == .busy else {
        throw InterruptSyncError(object: name, operation: "connect", error)
      }
      throw InterruptSyncError.lineBusy(name)
    }
    guard isOurs else { throw InterruptSyncError.lineBusy(name) }
    return unsafe InterruptLine(raw)
  }

  /// Disarms the line.
  public func detach() { unclaim() }

  /// Takes the vector away from the device, as no re-arm holds messages back (V25).
  public func brake() { suspend() }

  /// Gives it back.
  public func release() -> Int32 { resume() }

  /// `removed` once the host has the device back.
  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(object: name, operation: operation.rawValue, failure(errno))
  }
}
