// Room Lines: where interrupts come from. The rooms above know lines by this protocol alone; UIO,
// VFIO and GPIO lines, software lines and descriptor lines conform. Connect and disconnect
// (LifeCycle.swift) call it on the caller's thread at PASSIVE_LEVEL, the brake on the serving
// thread, none with an interrupt lock held, unless an object ends inside a routine: then `detach`
// may come with it. A dispatch never calls it: it works on the plain memory that `attach()` gives.
package import CUIO
import UIO

/// What a serving thread needs of a line: a descriptor to read counts from, and how to unmask and
/// mask it.
@safe public struct InterruptLine: @unchecked Sendable {
  package let raw: UnsafeMutablePointer<cuio_line>
  /// What the line says about the last read, for the records of dispatches; nil where it says nothing.
  package let facts: UnsafePointer<UInt64>?
  package let factCount: Int
  /// When what the last read took happened, in nanoseconds of CLOCK_MONOTONIC, or 0; nil where the
  /// line has no such clock.
  package let cause: UnsafePointer<UInt64>?

  package init(
    _ raw: UnsafeMutablePointer<cuio_line>, facts: UnsafePointer<UInt64>? = nil, count: Int = 0,
    cause: UnsafePointer<UInt64>? = nil
  ) {
    unsafe self.raw = raw
    unsafe self.facts = unsafe facts
    factCount = count
    unsafe self.cause = unsafe cause
  }

  /// Interrupts counted up to the last read, modulo 2^32; 0 for lines that count by addition.
  package var total: UInt32 { unsafe cuio_line_total(raw) }

  /// Whether the next read finds a count although nothing may have interrupted (`cuio_line_kick`).
  package var isKicked: Bool {
    let format = unsafe raw.pointee.format
    return format == CUIO_COUNT_KICKED_EVENTFD || format == CUIO_COUNT_KICKED_EDGES
  }
}

/// What failed on a line. The raw value is the operation in the error's sentence.
public enum InterruptLineOperation: String, Sendable {
  /// Taking the count; the line counts as ended or failed, and the dispatcher stops.
  case read = "read the interrupt count"
  /// Unmasking after service (N17) or on connect, which fails with it.
  case rearm = "re-arm"
  /// Masking, on disconnect (N11).
  case mask = "mask"
}

/// A line that interrupts. Conformers: `UIOLine`, `VFIOLine`, `GPIOLine`, `SoftwareLine`,
/// `FileDescriptorLine`.
public protocol InterruptSource: AnyObject, Sendable {
  /// For messages and for the dispatcher thread's name.
  var name: String { get }

  /// Whether the line is a hardware interrupt of the kernel's, which may reach it through a thread
  /// (fact 53). False unless said otherwise.
  var isHardware: Bool { get }

  /// The kernel's number of the interrupt (`/proc/irq/N`); nil where there is none or it is not
  /// known, which is what a conformer that does not say gets.
  var interruptNumber: Int? { get }

  /// Whether one read takes every interrupt that has come, as it does from a UIO device and from an
  /// eventfd of the ordinary kind, and from a stream of records it does not. False unless said
  /// otherwise, which is always right; true saves a group a read.
  var readTakesAll: Bool { get }

  /// Gives the line to one object. Called by connect, at PASSIVE_LEVEL.
  /// - Throws: `lineBusy` while another object is connected to it; what the line's own preparation
  ///   throws.
  func attach() throws(InterruptSyncError) -> InterruptLine

  /// Takes it back. Called once the dispatcher has stopped.
  func detach()

  /// Keeps the line from interrupting while the storm brake holds it, where leaving out the re-arm does
  /// not. Nothing unless said otherwise. On the serving thread at PASSIVE_LEVEL, without a lock.
  func brake()

  /// Ends that, likewise. 0, or -errno: then it is asked again later.
  func release() -> Int32

  /// The error that a failed operation means.
  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError
}

extension InterruptSource {
  /// False.
  public var isHardware: Bool { false }
  /// Nil.
  public var interruptNumber: Int? { nil }
  /// False.
  public var readTakesAll: Bool { false }
  /// Nothing.
  public func brake() {}
  /// 0.
  public func release() -> Int32 { 0 }
}

extension InterruptSyncError {
  static func lineBusy(_ line: String) -> InterruptSyncError {
    InterruptSyncError(
      .lineBusy, object: line, operation: "connect",
      cause: "another object is connected to this line",
      hint: "register the routine with that object, or disconnect it first")
  }
}
