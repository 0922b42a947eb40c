// One user of a device node among all processes of the machine. Floor 1; UIODevice calls it, on the
// thread that connects, disconnects or makes a line, without an interrupt lock. Nothing waits; the
// lock of the node in the kernel is the only one that it takes.
import CLinuxSystem
import Glibc

extension FileDescriptor {
  /// Claims a node for this process; nil, or a sentence about the process that has it. Files that
  /// take no locks have no holder. The corresponding C function is `fcntl`.
  package func claim() -> String? {
    var holder: Int32 = 0
    guard unsafe linux_claim_take(raw, &holder) == -EBUSY else { return nil }
    return holder == 0
      ? "another open file of this process has it, or a process that cannot be named"
      : "\(ProcessOwner.describe(holder)) has it"
  }

  /// Ends the claim.
  package func unclaim() { linux_claim_release(raw) }
}
