// What a process holds of the kernel's: descriptors, threads, and mappings that are no plain memory. The heap and the
// stacks that the C library keeps for later threads are plain memory and come and go by themselves.
import Glibc
import LinuxSystem

struct Footprint: Equatable, CustomStringConvertible {
  let descriptors: [String]
  /// How many; the name of one may be what failed.
  let threads: Int
  let mappings: [String]

  static func now() throws -> Footprint {
    // The folder that is being read is itself open.
    let numbers = try FileDescriptor.list("/proc/self/fd")
    let descriptors = numbers.compactMap { number in
      (try? FileDescriptor.link("/proc/self/fd/\(number)")).map { shapeless($0) }
    }
    let threads = try FileDescriptor.list("/proc/self/task").count
    let mappings = try FileDescriptor.wholeText("/proc/self/maps").split(separator: "\n").filter {
      // Shared memory, whatever is behind it.
      $0.split(separator: " ").dropFirst().first?.last == "s"
    }.map { String($0.split(separator: " ").last ?? "") }
    return Footprint(
      descriptors: descriptors.sorted(), threads: threads, mappings: mappings.sorted())
  }

  /// Without the inode of a socket or pipe, which no two have.
  private static func shapeless(_ link: String) -> String {
    link.hasPrefix("socket:") || link.hasPrefix("pipe:")
      ? String(link.prefix { $0 != ":" }) : link
  }

  var description: String {
    "\(descriptors.count) descriptors \(descriptors), \(threads) threads, mappings \(mappings)"
  }
}
