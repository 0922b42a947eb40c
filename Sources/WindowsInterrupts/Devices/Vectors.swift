// Floor 5, room Devices. The process's interrupt vectors: numbers that resource descriptors carry
// and connects resolve. DeviceObject.swift adds and removes them; InterruptCalls, InterruptCreation
// and SyncObject look them up, and Interrupt and SyncObject enter a line. Any thread up to
// DISPATCH_LEVEL; monitors guard the table and each line's users, and are held for a moment only.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

/// One interrupt of a device object.
final class Line: @unchecked Sendable {
  let vector: ULONG
  /// The DIRQL that descriptors give.
  let irql: KIRQL
  /// The kernel's number, or 0.
  let kernelNumber: ULONG
  let isLatched: Bool
  /// The index of the message that it is; nil for a line.
  let message: ULONG?
  let shared: SharedLine
  let device: ObjectIdentifier
  private let monitor = Monitor()
  private var sharers = 0
  private var hasExclusiveUser = false

  init(
    vector: ULONG, irql: KIRQL, kernelNumber: ULONG, isLatched: Bool, message: ULONG?,
    source: any InterruptSource, device: ObjectIdentifier
  ) {
    self.vector = vector
    self.irql = irql
    self.kernelNumber = kernelNumber
    self.isLatched = isLatched
    self.message = message
    self.device = device
    var options = InterruptSyncOptions()
    options.report = { Reports.notice("interrupt line \(source.name)", "N20", $0.description) }
    shared = SharedLine(source, options: options)
  }

  /// Of its resource descriptors.
  var flags: USHORT {
    let trigger =
      isLatched ? CM_RESOURCE_INTERRUPT_LATCHED : CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE
    return USHORT(message == nil ? trigger : trigger | CM_RESOURCE_INTERRUPT_MESSAGE)
  }

  /// Takes a place on the line; false when a user is there that does not share it (K13).
  func enter(shares: Bool) -> Bool {
    monitor.locked {
      guard !hasExclusiveUser, shares || sharers == 0 else { return false }
      sharers += 1
      hasExclusiveUser = !shares
      return true
    }
  }

  func leave() {
    monitor.locked {
      sharers -= 1
      if sharers == 0 { hasExclusiveUser = false }
    }
  }
}

enum Vectors {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var lines: [ULONG: Line] = [:]
  nonisolated(unsafe) private static var next: ULONG = 0x30

  /// Numbers for `count` new vectors. Their DIRQLs go from 3 to 11, and begin again.
  static func reserve(_ count: Int) -> [(vector: ULONG, irql: KIRQL)] {
    monitor.locked {
      (0..<count).map { _ in
        defer { unsafe next += 1 }
        return unsafe (next, KIRQL(3 + (next - 0x30) % 9))
      }
    }
  }

  static func add(_ line: Line) { monitor.locked { unsafe lines[line.vector] = line } }
  static func remove(_ line: Line) {
    _ = monitor.locked { unsafe lines.removeValue(forKey: line.vector) }
  }
  static func line(_ vector: ULONG) -> Line? { monitor.locked { unsafe lines[vector] } }
}
