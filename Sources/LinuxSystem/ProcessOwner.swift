// Which process a thing belongs to: the one that made it, and none that was forked from that. Floor
// 1; DeviceOwner, objects, groups, locks, threads, VFIO, and handles of the C interface hold one
// and ask it. A value, for any thread at any level, without a lock. Only `hasEnded` waits, and only
// the texts of errors read /proc.
import CLinuxSystem

/// The process that made something. A forked child gets a copy of the memory, but neither the
/// threads that work on it nor the right to the devices behind it.
package struct ProcessOwner: Sendable, Equatable {
  package let generation: UInt32

  /// The calling process.
  package init() { generation = linux_process_generation() }

  package init(generation: UInt32) { self.generation = generation }

  /// Whether the calling process is the owner.
  package var isCurrent: Bool { linux_process_generation() == generation }

  /// The owner's process id; 0 when it is too long ago to be known.
  package var process: Int32 { linux_process_of(generation) }

  /// Whether the owner has ended. Waits a moment for one that is about to: daemon(3) returns in the
  /// child while the parent exits.
  package var hasEnded: Bool { linux_process_has_ended(generation, 100) }

  /// `process 123 (NAME)`.
  package static func describe(_ process: Int32, _ procfs: Procfs = .system) -> String {
    guard let name = procfs.name(of: process) else { return "process \(process)" }
    return "process \(process) (\(name))"
  }

  /// `process 123 (NAME)`.
  package var description: String { process == 0 ? "an earlier process" : Self.describe(process) }

  /// What to tell a caller in a forked child.
  package var cause: String {
    "it belongs to \(description), from which this process was forked"
  }
  package static let hint =
    "use it in the process that made it; make what a child needs in the child, and become a daemon first"
}
