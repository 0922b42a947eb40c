// The program's side of the seam: a system call that nothing else makes with this argument, which the supervisor
// answers. It chooses the fault; the program says only where a case begins and ends.
import Glibc

enum Seam {
  private static let mark: Int32 = 0x5ea0_0000

  /// Lets the supervisor arm its next fault. False when there is none left.
  static func arm() -> Bool { sched_get_priority_min(mark | 1) == 1 }

  /// Nothing fails from now on.
  static func disarm() { _ = sched_get_priority_min(mark | 2) }
}
