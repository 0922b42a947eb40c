// The interrupts of one open device: which kind it uses, and which of its vectors are armed with
// which eventfd. Floor 3. VFIOLine calls it on the thread that connects or disconnects and on the
// dispatcher that brakes, VFIODevice where it opens, and on `vfio notices` where it ends; without
// an interrupt lock, but for `disarm`, which comes with it where an object ends inside a routine.
// A monitor orders the calls to the kernel, which are short.
import CVFIO
import DeviceIdentity
import Glibc
import LinuxSystem

/// How a device interrupts.
public enum VFIOInterrupt: String, Sendable, CaseIterable {
  /// Messages with a table in the device: up to 2,048 vectors, each masked on its own.
  case msix
  /// Messages, up to 32 vectors.
  case msi
  /// The level-triggered pin, which other devices may share.
  case intx

  var index: cvfio_index {
    switch self {
    case .msix: CVFIO_MSIX
    case .msi: CVFIO_MSI
    case .intx: CVFIO_INTX
    }
  }
}

final class VFIOVectors: @unchecked Sendable {
  let interrupt: VFIOInterrupt
  /// How many there are.
  let count: Int
  private let device: FileDescriptor
  private let kernel: any VFIOKernel
  private let name: String
  private let monitor = Monitor()
  // Guarded by `monitor`.
  private var isEnabled = false
  private var hasEnded = false
  private var armed: [Int: FileDescriptor] = [:]
  /// Of those, the ones whose eventfd the kernel has not got at the moment.
  private var suspended: Set<Int> = []

  /// Chooses the best kind that the device has, unless one is asked for.
  /// - Throws: `noInterrupt`, which names the kinds that the device has.
  init(
    _ wanted: VFIOInterrupt?, of device: FileDescriptor, _ kernel: any VFIOKernel, _ name: String,
    continuing kept: VFIODescriptors? = nil
  ) throws(UIOError) {
    let counts = VFIOInterrupt.allCases.map { (kind: $0, count: kernel.count(device, $0.index)) }
    let there = counts.filter { $0.count > 0 }
    guard let chosen = there.first(where: { wanted == nil || $0.kind == wanted }) else {
      let kinds = there.map(\.kind.rawValue).joined(separator: ", ")
      let number = counts.first { $0.count < 0 }.map { -$0.count } ?? ENXIO
      throw UIOError(
        .noInterrupt, device: name, operation: "choose the kind of interrupt",
        cause: wanted.map { "the device has no \($0.rawValue)" } ?? "the device has no interrupt",
        hint: kinds.isEmpty ? "" : "it has \(kinds)", errno: number)
    }
    interrupt = chosen.kind
    count = Int(chosen.count)
    self.device = device
    self.kernel = kernel
    self.name = name
    if let kept { goOn(from: kept.enabled) }
  }

  /// Keeps what an earlier process enabled, if it is the kind that this one uses. Another one would be in the
  /// way (V23); INTx has an eventfd of the earlier process for its unmask, and comes again while it is asserted.
  private func goOn(from enabled: VFIOInterrupt?) {
    isEnabled = enabled == interrupt && interrupt != .intx
    for kind in VFIOInterrupt.allCases where !(isEnabled && kind == interrupt) {
      _ = kernel.disable(device, kind.index)
    }
  }

  /// Gives a vector its eventfd, and enables the kind with the first one. INTx is left masked, until
  /// `unmask` is written to.
  /// - Throws: `busy` when the vector is armed, `removed`, `resourcesExhausted`, `noInterrupt`.
  func arm(
    _ vector: Int, _ event: FileDescriptor, unmask: FileDescriptor?
  ) throws(UIOError) {
    try monitor.locked { () throws(UIOError) in
      if hasEnded { throw VFIOOperation.arm.error(ENODEV, device: name) }
      guard armed[vector] == nil else {
        throw UIOError(
          .busy, device: name, operation: VFIOOperation.arm.rawValue,
          cause: "another line has vector \(vector)", hint: "disconnect that one first",
          errno: EBUSY)
      }
      try enableRange()
      try check(kernel.arm(device, interrupt.index, UInt32(vector), event), .arm)
      armed[vector] = event
      guard let unmask else { return }
      do throws(UIOError) {
        try check(kernel.unmask(device, by: unmask), .arm)
        try check(kernel.mask(device), .mask)
      } catch {
        forget(vector)
        throw error
      }
    }
  }

  /// Enables it before the first vector is armed.
  /// - Throws: `resourcesExhausted`, `removed`.
  func enable() throws(UIOError) {
    try monitor.locked { () throws(UIOError) in
      if hasEnded { throw VFIOOperation.arm.error(ENODEV, device: name) }
      try enableRange()
    }
  }

  /// The whole range at once, all of it holes: a range that was enabled shorter cannot grow on every
  /// kernel (V24).
  private func enableRange() throws(UIOError) {
    guard !isEnabled, interrupt != .intx else { return }
    try check(kernel.enable(device, interrupt.index, UInt32(count)), .arm)
    isEnabled = true
  }

  /// Takes a vector's eventfd away. Nothing is added to it afterwards.
  func disarm(_ vector: Int) {
    monitor.locked {
      guard armed[vector] != nil else { return }
      if !hasEnded { forget(vector) }
      armed[vector] = nil
    }
  }

  private func forget(_ vector: Int) {
    armed[vector] = nil
    suspended.remove(vector)
    if interrupt == .intx {
      _ = kernel.disable(device, CVFIO_INTX)
    } else {
      _ = kernel.arm(device, interrupt.index, UInt32(vector), nil)
    }
  }

  /// Keeps the device from interrupting by an armed vector. INTx keeps itself from it, as long as
  /// nothing unmasks it (V15).
  func suspend(_ vector: Int) {
    monitor.locked {
      guard interrupt != .intx, !hasEnded, armed[vector] != nil else { return }
      if kernel.arm(device, interrupt.index, UInt32(vector), nil) == 0 { suspended.insert(vector) }
    }
  }

  /// Lets it interrupt again. 0 or -errno.
  func resume(_ vector: Int) -> Int32 {
    monitor.locked {
      guard !hasEnded, suspended.contains(vector), let event = armed[vector] else { return 0 }
      let result = kernel.arm(device, interrupt.index, UInt32(vector), event)
      if result == 0 { suspended.remove(vector) }
      return result
    }
  }

  /// Has the kernel count one on an armed vector, as if the device had interrupted.
  /// - Throws: `noInterrupt` when it is not armed, `removed`.
  func trigger(_ vector: Int) throws(UIOError) {
    try monitor.locked { () throws(UIOError) in
      if hasEnded { throw VFIOOperation.trigger.error(ENODEV, device: name) }
      // The kernel takes no offence at a hole in a range that is enabled (V27).
      guard armed[vector] != nil, !suspended.contains(vector) else {
        throw VFIOOperation.trigger.error(EINVAL, device: name)
      }
      try check(kernel.trigger(device, interrupt.index, UInt32(vector)), .trigger)
    }
  }

  /// The device goes back to the host: reads of every armed line find its end, and threads that wait
  /// for one are woken. Nothing is armed afterwards.
  func end(with ended: FileDescriptor) {
    monitor.locked {
      hasEnded = true
      for (vector, event) in armed {
        event.become(ended)
        // The kernel still has the eventfd, and with it the thread that sleeps on it.
        _ = kernel.trigger(device, interrupt.index, UInt32(vector))
      }
      _ = kernel.disable(device, interrupt.index)
    }
  }

  private func check(_ result: Int32, _ operation: VFIOOperation) throws(UIOError) {
    if result < 0 { throw operation.error(-result, device: name) }
  }
}
