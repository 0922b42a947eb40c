// The one error of devices and their registers: it names the device, the operation and the cause,
// carries the errno, and says what to do. Floor 2, so that regions, UIO, VFIO and GPIO throw the
// same type; DeviceIdentity calls it `UIOError`, too. Drivers, the C interface and the daemon read
// it. A value, for any thread, without a lock.
import Glibc
public import LinuxSystem

/// A failure of an operation on a device or its registers.
public struct DeviceError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The cause, for programs.
  public enum Code: String, Sendable, CaseIterable {
    /// No such device (facts 1, 5).
    case notFound
    /// More than one device answers to the name given (fact 5).
    case ambiguous
    /// The text given does not name a device, a register or a number.
    case malformed
    /// The process may not do this (fact 4).
    case permissionDenied
    /// Another user of the device, or its driver, refuses.
    case busy
    /// The machine does not keep the device to the memory that it was given: no IOMMU, or one that
    /// does not remap interrupts (V6).
    case notIsolated
    /// The device has no such ability.
    case unsupported
    /// The device was unbound, removed or unplugged (facts 1, 13, 16, 28).
    case removed
    /// The device has no interrupt (facts 13, 39).
    case noInterrupt
    /// The chosen way to re-arm does not exist on this device (facts 16, 17).
    case rearmUnsupported
    /// The driver answered with an error or a length of its own (fact 18).
    case driverFailed
    /// No such map, port region or BAR.
    case noSuchRegion
    /// The map cannot be mapped as its driver describes it (fact 35).
    case unmappable
    /// The access leaves the region.
    case outOfBounds
    /// The access is not aligned to its width, or has a width that the region does not take.
    case misaligned
    /// The region or descriptor is not open for writing (fact 19).
    case readOnly
    /// It belongs to the process that this one was forked from.
    case otherProcess
    /// Descriptors, memory or locked memory are used up.
    case resourcesExhausted
    /// The kernel answered something that no numbered fact explains.
    case unexpected
  }

  /// The cause, for programs to switch on.
  public let code: Code
  /// The device as the caller or the kernel names it.
  public let device: String
  /// The operation that failed.
  public let operation: String
  /// The cause, in words.
  public let cause: String
  /// The remedy; empty when there is none.
  public let hint: String
  /// The kernel's answer; nil when the library found the fault.
  public let errno: Errno?

  /// An error of the same form for what is built on a device: an interposer, a driver's own checks.
  ///
  /// - Parameters:
  ///   - code: the cause, for programs.
  ///   - device: the device as the caller knows it.
  ///   - operation: the operation that failed, as a verb and its object.
  ///   - cause: the cause, in words.
  ///   - hint: the remedy.
  ///   - errno: the kernel's answer, or 0.
  public init(
    _ code: Code, device: String, operation: String, cause: String, hint: String = "",
    errno: Int32 = 0
  ) {
    self.code = code
    self.device = device
    self.operation = operation
    self.cause = cause
    self.hint = hint
    self.errno = Errno(nonzero: errno)
  }

  /// `device: operation: cause (ERRNO)`, and the hint on a line of its own.
  public var description: String { explanation }
}

extension DeviceError: ExplainedError {
  package var object: String { device }
  package var codeName: String { code.rawValue }

  /// What programs in C get, without its sign: interruptsync/device.h and region.h.
  package var number: Int32 {
    switch code {
    case .notFound, .noSuchRegion: ENOENT
    case .ambiguous: ENOTUNIQ
    case .malformed, .misaligned: EINVAL
    case .permissionDenied: EACCES
    case .busy: EBUSY
    case .removed: ENODEV
    case .noInterrupt: ENXIO
    case .rearmUnsupported, .unmappable, .unsupported: EOPNOTSUPP
    case .notIsolated: EPERM
    case .driverFailed: EIO
    case .outOfBounds: ERANGE
    case .readOnly: EROFS
    case .otherProcess: ECHILD
    case .resourcesExhausted: errno?.rawValue ?? ENOMEM
    case .unexpected: errno?.rawValue ?? EIO
    }
  }
}
