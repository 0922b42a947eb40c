// Room Lines: a UIO device's line as a source of interrupts. The rooms above call it: connect and
// disconnect on the caller's thread at PASSIVE_LEVEL, the errors of reads and re-arms on the
// serving thread, none with an interrupt lock held, unless an object ends inside a routine: then
// `detach` may come with it. It takes no lock. `import InterruptSync` alone brings devices, lines
// and registers to a driver.
import CUIO
import Glibc
@_exported public import UIO

extension UIOLine: InterruptSource {
  /// `uio0 (pci-0000:00:03.0)`.
  public var name: String { device.description }

  /// Yes.
  public var isHardware: Bool { true }

  /// Fact 8: a read gives the total of the moment.
  public var readTakesAll: Bool { true }

  /// From PCI, or what was requested under the device's name; reads `/proc` and is not for a
  /// routine.
  public var interruptNumber: Int? { device.interruptNumber() }

  /// Gives the line to one object. COMMAND is read again, so that a re-arm writes back what others
  /// changed while no object was connected (fact 42). Called by connect, at PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it, in this process or another, which
  ///   the error names; `removed`, `lineFailed`, `otherProcess`.
  public func attach() throws(InterruptSyncError) -> InterruptLine {
    guard try claimed() else { throw InterruptSyncError.lineBusy(name) }
    guard device.isAlive else {
      unclaim()
      throw failure(.read, errno: EIO)
    }
    let result = unsafe cuio_line_refresh_command(raw)
    if result != 0 {
      unclaim()
      throw InterruptSyncError(object: name, operation: "connect", failure(.configuration, -result))
    }
    return unsafe InterruptLine(raw)
  }

  private func claimed() throws(InterruptSyncError) -> Bool {
    do throws(UIOError) { return try claim() } catch {
      guard error.code == .busy else {
        throw InterruptSyncError(object: name, operation: "connect", error)
      }
      throw InterruptSyncError(
        .lineBusy, object: name, operation: "connect", cause: error.cause, hint: error.hint,
        errno: EBUSY, device: error)
    }
  }

  /// Takes the line back, with the count reached: the next line of the device goes on from there.
  public func detach() { unclaim() }

  /// The kernel's answer as the numbered facts read it: `removed` or `lineFailed`, with the
  /// device's own account in `device`.
  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    let kernel: UIOOperation =
      switch (operation, strategy) {
      case (.read, _): .read
      case (_, .pciCommand): .configuration
      default: .irqControl
      }
    return InterruptSyncError(object: name, operation: operation.rawValue, failure(kernel, errno))
  }
}
