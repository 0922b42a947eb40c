// Floor 7. A .device file while a person edits it: the draft is beside the file, under a hidden name
// that the daemon ignores, and its text takes the file's place once it has no problem. After any
// failure the file is as before and the text is kept. On the program's one thread, which waits for the
// editor and for answers.
import ArgumentParser
import DeviceInventory
import Glibc
import InterruptSyncClient
import InterruptSyncService
import LinuxSystem
import UIO

struct DeviceFileDraft {
  /// The file in /etc, which wins over every other of its name.
  let target: String
  /// What the editor opens.
  private let path: String
  private let folder: String
  private let root: String
  private let name: String
  /// What a device without a file begins with.
  private let template: String

  /// - Parameter root: the folder that `/etc` is below; empty for this machine.
  init(name: String, root: String, template: String) {
    self.name = name
    self.root = root
    self.template = template
    folder = "\(root)/etc/interruptsync/devices"
    target = "\(folder)/\(name)"
    path = "\(folder)/.draft-\(name)"
  }

  /// Opens the editor until the text has no problem or the user gives up.
  /// - Parameter install: has the daemon read the file; returns why it refuses.
  /// - Returns: whether the file was written.
  func edit(
    _ common: CommonOptions, install: () throws(InterruptSyncClientError) -> String?
  ) throws -> Bool {
    let before = current
    let start = before ?? inherited ?? template
    try makeFolder()
    // A draft that an earlier run kept has someone's work in it.
    let kept = try? FileDescriptor.wholeText(path)
    if kept != nil {
      common.note("going on with \(path), which an earlier edit kept")
    } else {
      try write(start, to: path)
    }
    while true {
      try openEditor()
      let text = try read(path)
      guard text != start else {
        _ = unsafe unlink(path)
        common.note("\(target): nothing was changed")
        return false
      }
      guard let problem = try problem(text, before, install) else {
        _ = unsafe unlink(path)
        return true
      }
      Console.complain(problem)
      guard askAgain() else {
        let rest = before == nil ? "\(target) was not written" : "\(target) is as before"
        Console.say("\(rest); your text is in \(path), and the next edit opens it")
        throw ExitCode(Failure.failed)
      }
    }
  }

  // MARK: Texts

  /// The text of the file in /etc; nil without one, and for a mask.
  private var current: String? { text(at: target) }

  /// The text of the file that the daemon uses until /etc has one.
  private var inherited: String? {
    ConfigurationTree.folders.dropFirst().lazy.compactMap {
      text(at: "\(root)\($0)/devices/\(name)")
    }
    .first
  }

  private func text(at path: String) -> String? {
    (try? FileDescriptor.wholeText(path)).flatMap { $0.isEmpty ? nil : $0 }
  }

  private func makeFolder() throws(UIOError) {
    for part in ["/etc", "/etc/interruptsync", "/etc/interruptsync/devices"] {
      if unsafe mkdir(root + part, 0o755) != 0, errno != EEXIST {
        throw failure(SystemError(errno), "\(root)\(part) cannot be made")
      }
    }
  }

  private func write(_ text: String, to path: String) throws(UIOError) {
    do throws(SystemError) { try FileDescriptor.replace(path, with: text) } catch {
      throw failure(error, "\(path) cannot be written")
    }
  }

  private func read(_ path: String) throws(UIOError) -> String {
    do throws(SystemError) { return try FileDescriptor.wholeText(path) } catch {
      throw failure(error, "\(path) cannot be read")
    }
  }

  private func failure(_ error: SystemError, _ cause: String) -> UIOError {
    UIOError(error, device: name, operation: "edit the file", cause: cause)
  }

  // MARK: The editor

  private func openEditor() throws(UIOError) {
    guard let editor = Self.editor else {
      throw UIOError(
        .notFound, device: name, operation: "edit the file",
        cause: "there is no editor", hint: "set EDITOR to the command of one")
    }
    // The words of a variable may be a command with options; the path is one word.
    let quoted = path.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''")
    // system(3) leaves Ctrl-C to the editor.
    let status = unsafe system("\(editor) '\(quoted)'")
    guard status == 0 else {
      throw UIOError(
        .unexpected, device: name, operation: "edit the file",
        cause: "the editor failed: \(editor)",
        hint: "\(target) is as before; the text is in \(path), and the next edit opens it")
    }
  }

  private static var editor: String? {
    for name in ["VISUAL", "EDITOR"] {
      if let value = unsafe getenv(name).map({ unsafe String(cString: $0) }), !value.isEmpty {
        return value
      }
    }
    let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
    return ["editor", "nano", "vim", "vi"].first { name in
      folders.split(separator: ":").contains { unsafe access("\($0)/\(name)", X_OK) == 0 }
    }
  }

  // MARK: Checking and installing

  /// The problem of the text, in words; nil once the file has it and the daemon accepts it.
  private func problem(
    _ text: String, _ before: String?, _ install: () throws(InterruptSyncClientError) -> String?
  ) throws -> String? {
    if text.allSatisfy(\.isWhitespace) { return "\(target): the text is empty" }
    if let faults { return faults }
    guard current == before else {
      return "\(target) was changed by another program meanwhile"
    }
    try write(text, to: target)
    guard let refusal = try install() else { return nil }
    // The other files have the fault, or this one does not go with them.
    if let before { try write(before, to: target) } else { _ = unsafe unlink(target) }
    return refusal
  }

  /// The faults of the draft alone, as if they were the file's.
  private var faults: String? {
    do throws(ConfigurationError) { _ = try ConfigurationSet(files: [path]) } catch {
      return error.diagnostics.map { fault in
        let place = SourcePosition(
          path: target, line: fault.position.line, column: fault.position.column)
        return Diagnostic(place, fault.message, hint: fault.hint).description
      }.joined(separator: "\n")
    }
    return nil
  }

  /// Only a person at a terminal can answer.
  private func askAgain() -> Bool {
    guard isatty(0) == 1 else { return false }
    Console.prompt("Edit it again? [Y/n] ")
    guard let answer = readLine() else { return false }
    return !answer.lowercased().hasPrefix("n")
  }
}
