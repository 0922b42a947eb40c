// How threads are scheduled, as /proc shows them.
import UIO

/// A thread and its scheduling.
package struct ThreadSchedule: Equatable, Sendable {
  package let name: String
  /// 1 to 99 for real-time threads, 0 for others.
  package let priority: Int

  /// Reads a `stat` file; nil when it is none.
  init?(stat text: String) {
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

  /// The threads of a process.
  package static func ofProcess(_ process: Int32, proc: String = "/proc") -> [ThreadSchedule] {
    let folder = "\(proc)/\(process)/task"
    return ((try? FileDescriptor.list(folder)) ?? []).compactMap {
      (try? FileDescriptor.wholeText("\(folder)/\($0)/stat")).flatMap(ThreadSchedule.init(stat:))
    }
  }
}
