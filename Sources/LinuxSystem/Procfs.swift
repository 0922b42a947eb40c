// What /proc says about interrupts and the threads that carry them, under a root that tests can
// move.
import Glibc

/// Where the kernel's process and interrupt files are.
package struct Procfs: Sendable, Equatable {
  /// Without a trailing slash.
  package let root: String

  package init(root: String = "/proc") { self.root = root }

  /// The machine's own.
  package static let system = Procfs()

  /// The number of the interrupt that was requested under `name`; nil when there is none or more
  /// than one.
  package func interrupt(requestedBy name: String) -> Int? {
    guard !name.isEmpty, !name.contains("/") else { return nil }
    let numbers = list("\(root)/irq").compactMap(Int.init).filter {
      list("\(root)/irq/\($0)").contains(name)
    }
    return numbers.count == 1 ? numbers[0] : nil
  }

  /// The lowest real-time priority among the kernel's threads for an interrupt (`irq/N-…`, one for
  /// each that shares it); nil when it has none.
  package func priority(ofInterruptThread number: Int) -> Int32? {
    list(root).compactMap { folder -> Int32? in
      guard Int(folder) != nil, let text = text("\(root)/\(folder)/stat"),
        let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
        text[text.index(after: open)...].hasPrefix("irq/\(number)-")
      else { return nil }
      // proc_pid_stat(5): behind the name comes the third field; the priority is the 40th.
      let fields = text[close...].dropFirst().split(separator: " ")
      return fields.count > 37 ? Int32(fields[37]) : nil
    }.min()
  }

  /// Whether the command line of the kernel forces interrupts into threads.
  package var forcesInterruptThreads: Bool {
    text("\(root)/cmdline")?.split(whereSeparator: \.isWhitespace).contains("threadirqs") ?? false
  }

  /// Lets an interrupt be served on these processors only. 0 or -errno.
  package func route(interrupt number: Int, to processors: Set<Int>) -> Int32 {
    let list = processors.sorted().map(String.init).joined(separator: ",")
    do throws(SystemError) {
      let file = try FileDescriptor.open("\(root)/irq/\(number)/smp_affinity_list", O_WRONLY)
      let bytes = Array(list.utf8)
      return unsafe write(file.raw, bytes, bytes.count) == bytes.count ? 0 : -max(errno, 1)
    } catch { return -error.number }
  }

  private func list(_ path: String) -> [String] { (try? FileDescriptor.list(path)) ?? [] }

  private func text(_ path: String) -> String? {
    (try? FileDescriptor.contents(path)).map { String(decoding: $0, as: UTF8.self) }
  }
}
