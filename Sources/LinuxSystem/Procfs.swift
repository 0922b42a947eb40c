// What /proc says about interrupts and threads, under a root that tests can move. Floor 1; lines
// and Serving call it where they connect a line or restore an affinity, line inspection and
// interruptsyncctl doctor to report. A value without a lock, for any thread at PASSIVE_LEVEL; each
// call reads files, `route` writes one: never with an interrupt lock held.
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

  /// Whether interrupts are requested under names with this ending.
  package func hasInterrupts(requestedByNamesWith ending: String) -> Bool {
    list("\(root)/irq").contains { number in
      list("\(root)/irq/\(number)").contains { $0.hasSuffix(ending) }
    }
  }

  /// Whether an IOMMU remaps the machine's interrupts, as the names of their controllers say; nil
  /// where they say neither: machines without I/O APIC.
  package var remapsInterrupts: Bool? {
    guard let table = text("\(root)/interrupts"), table.contains("IO-APIC") else { return nil }
    return table.contains("IR-IO-APIC")
  }

  /// The lowest real-time priority among the kernel's threads for an interrupt (`irq/N-…`, one for
  /// each that shares it); nil when it has none.
  package func priority(ofInterruptThread number: Int) -> Int32? {
    ThreadSchedule.ofInterrupt(number, proc: root).map { Int32($0.priority) }.min()
  }

  /// Whether the command line of the kernel forces interrupts into threads.
  package var forcesInterruptThreads: Bool {
    text("\(root)/cmdline")?.split(whereSeparator: \.isWhitespace).contains("threadirqs") ?? false
  }

  /// Lets an interrupt be served on these processors only. 0 or -errno.
  package func route(interrupt number: Int, to processors: Set<Int>) -> Int32 {
    do throws(SystemError) {
      let file = try FileDescriptor.open("\(root)/irq/\(number)/smp_affinity_list", O_WRONLY)
      let bytes = Array(ProcessorList.text(processors).utf8)
      let count = unsafe write(file.raw, bytes, bytes.count)
      if count < 0 { return -errno }
      // A file of procfs takes all of it, or fails.
      return count == bytes.count ? 0 : -EIO
    } catch { return -error.number }
  }

  /// The processors that an interrupt may be served on; nil when there is no such interrupt, or none
  /// that can be seen.
  package func processors(ofInterrupt number: Int) -> Set<Int>? {
    line("\(root)/irq/\(number)/smp_affinity_list").flatMap { ProcessorList.parse($0) }
  }

  /// The name of a process, as ps(1) shows it; nil when there is none, or none that can be seen.
  package func name(of process: Int32) -> String? {
    line("\(root)/\(process)/comm")
  }

  /// The process of this name; nil when there is none, or none that can be seen.
  package func process(named name: String) -> Int32? {
    list(root).compactMap { Int32($0) }.sorted().first { self.name(of: $0) == name }
  }

  private func list(_ path: String) -> [String] { (try? FileDescriptor.list(path)) ?? [] }

  private func line(_ path: String) -> String? {
    text(path)?.split(separator: "\n").first.map(String.init)
  }

  private func text(_ path: String) -> String? {
    (try? FileDescriptor.contents(path)).map { String(decoding: $0, as: UTF8.self) }
  }
}

// MARK: Threads

/// A thread and its scheduling.
package struct ThreadSchedule: Equatable, Sendable {
  package let name: String
  /// 1 to 99 for real-time threads, 0 for others.
  package let priority: Int
  /// Those it may run on; nil when it was not looked for.
  package var processors: Set<Int>?

  /// Reads a `stat` file; nil when it is none.
  package init?(stat text: String) {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else {
      return nil
    }
    name = String(text[text.index(after: open)..<close])
    // Behind the name stands field 3; 40 is the real-time priority.
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 37, let priority = Int(fields[37]) else { return nil }
    self.priority = priority
  }

  /// The kernel's threads for an interrupt (fact 53), named `irq/N-…`.
  package static func ofInterrupt(_ irq: Int, proc: String = "/proc") -> [ThreadSchedule] {
    let all = (try? FileDescriptor.list(proc)) ?? []
    return all.compactMap { process in
      guard process.allSatisfy(\.isNumber),
        let text = try? FileDescriptor.wholeText("\(proc)/\(process)/stat"),
        let thread = ThreadSchedule(stat: text), thread.name.hasPrefix("irq/\(irq)-")
      else { return nil }
      return thread
    }
  }

  /// The threads of a process, with their processors.
  package static func ofProcess(_ process: Int32, proc: String = "/proc") -> [ThreadSchedule] {
    let folder = "\(proc)/\(process)/task"
    return ((try? FileDescriptor.list(folder)) ?? []).compactMap { thread in
      guard let text = try? FileDescriptor.wholeText("\(folder)/\(thread)/stat"),
        var schedule = ThreadSchedule(stat: text)
      else { return nil }
      schedule.processors = (try? FileDescriptor.wholeText("\(folder)/\(thread)/status"))
        .flatMap(processors(status:))
      return schedule
    }
  }

  private static func processors(status text: String) -> Set<Int>? {
    let field = "Cpus_allowed_list:\t"
    return text.split(separator: "\n").first { $0.hasPrefix(field) }.flatMap {
      ProcessorList.parse($0.dropFirst(field.count))
    }
  }
}
