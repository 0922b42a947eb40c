// The arguments of this process, taken from main() and not from /proc/self/cmdline, which a chroot
// or a sandbox may lack. Floor 1; interruptsyncd and interruptsyncctl read them, on their main
// threads, without a lock.
import CLinuxSystem

/// What the program was started with.
package enum ProgramArguments {
  /// The words behind the program's name. `CommandLine.arguments` is empty where `/proc` is not
  /// mounted; this is not.
  package static var words: [String] {
    var count: Int32 = 0
    guard let all = unsafe linux_process_arguments(&count) else { return [] }
    return (1..<max(1, Int(count))).compactMap { index in
      unsafe all[index].map { unsafe String(cString: $0) }
    }
  }
}
