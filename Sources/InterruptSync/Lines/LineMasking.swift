// Room Lines: how a line over a descriptor of the caller's is masked and unmasked, and the memory
// of it that a dispatch works on. FileDescriptorLine makes and calls it, at PASSIVE_LEVEL without
// an interrupt lock: on the caller's thread, for the brake on the serving thread. Calls of
// `eachInterrupt` are the exception: the re-arm and the mask run them with the interrupt lock held.
// No lock of its own.
import CUIO
import Glibc
import LinuxSystem
import UIO

/// How a line over a descriptor of the program's is masked and unmasked. It decides whether the storm brake,
/// a disconnect and a line whose service is put off keep the device from interrupting.
public enum LineMasking: Sendable {
  /// A call of the program's that masks or unmasks the line. 0, or -errno. It must bear to be called when
  /// the line is masked or unmasked already.
  public typealias Call = @Sendable () -> Int32

  /// Nothing masks the line: it goes on interrupting whatever happens.
  case none
  /// Each interrupt masks the line, and a write of 1 to this eventfd unmasks it, as the one of VFIO's INTx
  /// does. Written at connect, and at the end of each dispatch. After a disconnect one more interrupt comes,
  /// waits for the next connect, and leaves the line masked. The line duplicates the descriptor.
  case eventfd(unmask: Int32)
  /// Each interrupt masks the line, and `unmask` unmasks it: at connect, and at the end of each dispatch.
  /// `mask` is called at disconnect. Both run with the interrupt lock held, as a routine does: they must not
  /// wait.
  case eachInterrupt(mask: Call, unmask: Call)
  /// Interrupts go on, as messages do, until `mask` is called: when the storm brake holds the line, and at
  /// the end of a disconnect. `unmask` is called at connect, where its failure is the error, and when the
  /// brake releases the line, where it is asked again after a failure. At PASSIVE_LEVEL, without an interrupt
  /// lock.
  case onDemand(mask: Call, unmask: Call)
}

/// The calls of a line that each interrupt masks, as a dispatch finds them: without counting references.
private final class LineCalls: Sendable {
  private let mask: LineMasking.Call
  private let unmask: LineMasking.Call

  init(mask: @escaping LineMasking.Call, unmask: @escaping LineMasking.Call) {
    self.mask = mask
    self.unmask = unmask
  }

  var hooks: cuio_line_hooks {
    unsafe cuio_line_hooks(
      unmask: { context in
        guard let context = unsafe context else { return -EINVAL }
        return unsafe Unmanaged<LineCalls>.fromOpaque(context)._withUnsafeGuaranteedRef {
          $0.unmask()
        }
      },
      mask: { context in
        guard let context = unsafe context else { return -EINVAL }
        return unsafe Unmanaged<LineCalls>.fromOpaque(context)._withUnsafeGuaranteedRef {
          $0.mask()
        }
      },
      context: Unmanaged.passUnretained(self).toOpaque())
  }
}

/// The memory of a descriptor line, and what it keeps. It outlives every connection to its line.
@safe final class MaskedLine: @unchecked Sendable {
  let raw: UnsafeMutablePointer<cuio_line>
  private var hooks: UnsafeMutablePointer<cuio_line_hooks>?
  private var calls: LineCalls?
  private let masking: LineMasking
  private let file: FileDescriptor
  private let unmask: FileDescriptor?

  /// - Parameter unmask: the eventfd of `LineMasking.eventfd(unmask:)`.
  init(
    _ file: FileDescriptor, _ format: cuio_count_format, _ total: UInt32, _ masking: LineMasking,
    unmask: FileDescriptor?
  ) {
    self.masking = masking
    self.file = file
    self.unmask = unmask
    unsafe raw = .allocate(capacity: 1)
    unsafe raw.initialize(
      to: cuio_line(
        fd: file.raw, rearm_fd: unmask?.raw ?? -1, format: format,
        rearm: unmask == nil ? CUIO_REARM_NONE : CUIO_REARM_EVENTFD, total: total, command: 0,
        hooks: 0))
    if case .eachInterrupt(let mask, let unmask) = masking {
      install(LineCalls(mask: mask, unmask: unmask))
    }
  }

  private func install(_ calls: LineCalls) {
    let memory = UnsafeMutablePointer<cuio_line_hooks>.allocate(capacity: 1)
    unsafe memory.initialize(to: calls.hooks)
    self.calls = calls
    unsafe hooks = unsafe memory
    unsafe raw.pointee.hooks = UInt(bitPattern: memory)
    unsafe raw.pointee.rearm = CUIO_REARM_CALL
  }

  deinit {
    unsafe raw.deallocate()
    unsafe hooks?.deallocate()
  }

  /// Masks a line whose interrupts go on; nothing for others. Without an interrupt lock.
  func maskOnDemand() {
    if case .onDemand(let mask, _) = masking { _ = mask() }
  }

  /// Ends that. 0 or -errno.
  func unmaskOnDemand() -> Int32 {
    if case .onDemand(_, let unmask) = masking { unmask() } else { 0 }
  }
}
