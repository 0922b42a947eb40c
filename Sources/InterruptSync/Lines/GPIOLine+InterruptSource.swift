// Room Lines: a GPIO line as a source of interrupts. The rooms above call it: connect and
// disconnect on the caller's thread at PASSIVE_LEVEL, the brake and the errors of reads on the
// serving thread. None of them with an interrupt lock held, unless an object ends inside a routine:
// then `detach` may come with it. It takes no lock; the calls of GPIOLine are system calls.
import CUIO
@_exported public import GPIO
import Glibc

extension GPIOLine: InterruptSource {
  /// `gpiochip0 (LABEL) line 3`.
  public var name: String { description }

  /// Yes: every edge reaches the line through a thread of the kernel's (G7).
  public var isHardware: Bool { true }

  /// While an object is connected. Reads `/proc` and is not for a routine.
  public var interruptNumber: Int? { interruptNumber() }

  /// A read takes as many edges as the kernel keeps.
  public var readTakesAll: Bool { true }

  /// Gives the line to one object and switches its edges on. The object is dispatched once for it, with
  /// whatever edges have come by then, or none. Called by connect, at PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it; `removed`, `lineFailed`,
  ///   `resourcesExhausted`, `otherProcess`.
  public func attach() throws(InterruptSyncError) -> InterruptLine {
    let isOurs: Bool
    do throws(UIOError) { isOurs = try claim() } catch {
      throw InterruptSyncError(object: name, operation: "connect", error)
    }
    guard isOurs else { throw InterruptSyncError.lineBusy(name) }
    return unsafe InterruptLine(raw, facts: facts, count: Int(CUIO_EDGE_FACTS), cause: cause)
  }

  /// Switches the edges off.
  public func detach() { unclaim() }

  /// Switches the edges off, as no re-arm holds them back.
  public func brake() { suspend() }

  /// Switches them on.
  public func release() -> Int32 { resume() }

  /// `removed` once the chip has gone.
  public func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(object: name, operation: operation.rawValue, failure(errno))
  }
}
