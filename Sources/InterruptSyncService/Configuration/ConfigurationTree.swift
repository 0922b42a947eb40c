// Configuration room. Which files apply, by the rules of UAPI.6 (folders by priority, files that
// replace and mask each other, drop-ins), and reading their bytes. ConfigurationSet calls it. The
// only file of the room that reads the file system. Control thread, which before the loop is
// `main`'s; no lock.
import Glibc
import LinuxSystem
import UIO

/// The folders that configuration is read from, under a root that tests and image builders can move.
package struct ConfigurationTree: Sendable {
  /// Higher priority first.
  package static let folders = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map {
    $0 + "/interruptsync"
  }

  private let root: String

  /// - Parameter root: prefixed to `/etc` and the others; empty for this machine.
  package init(root: String = "") {
    self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
  }

  /// A file that applies, with its drop-ins in their order.
  struct Entry: Equatable {
    /// Its path below the folders: `devices/10-edu.device`.
    let name: String
    /// The file itself, if there is one, and its drop-ins.
    var paths: [String]
    /// A single drop-in, which does not need to say all that a file must.
    var isPart = false
  }

  /// The `.device` files by name. A masked file is left out together with its drop-ins.
  func deviceEntries(_ diagnostics: inout [Diagnostic]) -> [Entry] {
    let found = files(in: "devices", suffix: ".device", &diagnostics)
    return found.compactMap { name, path in
      isMasked(path, &diagnostics)
        ? nil
        : Entry(name: "devices/\(name)", paths: [path] + dropIns("devices/\(name)", &diagnostics))
    }
  }

  /// The daemon's own file. Its drop-ins apply even if the file is masked or does not exist.
  func daemonEntry(_ diagnostics: inout [Diagnostic]) -> Entry {
    let name = "interruptsyncd.conf"
    let main = files(in: "", suffix: name, &diagnostics).filter { $0.name == name }.map(\.path)
    return Entry(
      name: name,
      paths: main.filter { !isMasked($0, &diagnostics) } + dropIns(name, &diagnostics))
  }

  private func dropIns(_ name: String, _ diagnostics: inout [Diagnostic]) -> [String] {
    files(in: "\(name).d", suffix: ".conf", &diagnostics).map(\.path).filter {
      !isMasked($0, &diagnostics)
    }
  }

  /// The files of all folders, by name: of files with one name, that of the highest priority.
  private func files(
    in subfolder: String, suffix: String, _ diagnostics: inout [Diagnostic]
  ) -> [(name: String, path: String)] {
    var found: [String: String] = [:]
    for folder in Self.folders.map({ root + $0 + (subfolder.isEmpty ? "" : "/\(subfolder)") }) {
      do throws(SystemError) {
        for name in try FileDescriptor.list(folder)
        where name.hasSuffix(suffix) && !name.hasPrefix(".") && found[name] == nil {
          found[name] = "\(folder)/\(name)"
        }
      } catch {
        if error.number == ENOENT { continue }
        diagnostics.append(
          ConfigurationReader.failure(folder, error.number, "cannot list the folder"))
      }
    }
    // By bytes, so that the order does not depend on the language.
    return found.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { (name: $0.key, path: $0.value) }
  }

  /// An empty file and a link to /dev/null mask the files of that name.
  private func isMasked(_ path: String, _ diagnostics: inout [Diagnostic]) -> Bool {
    do throws(Diagnostic) { return try ConfigurationReader.isMask(path) } catch {
      diagnostics.append(error)
      return true
    }
  }
}

enum ConfigurationReader {
  /// Whether the file is empty or /dev/null.
  /// - Throws: if the path is not a file, or cannot be examined.
  static func isMask(_ path: String) throws(Diagnostic) -> Bool {
    do throws(SystemError) { try SystemError.inject(.stat, path) } catch {
      throw failure(path, error.number)
    }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      let number = errno
      var link = stat()
      let isThere = unsafe lstat(path, &link) == 0
      throw number == ENOENT && isThere
        ? Diagnostic(
          SourcePosition(path: path), "the symbolic link leads nowhere",
          hint: "point it at a file, or at /dev/null to mask the files of this name")
        : failure(path, number)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return status.st_size == 0
    // 1:3 of devices.txt, the kernel's list of device numbers.
    case S_IFCHR where status.st_rdev == 0x103: return true
    default:
      throw Diagnostic(
        SourcePosition(path: path), "not a regular file",
        hint: "replace it with a regular file or remove it")
    }
  }

  /// The bytes of a file: at least one more than the limit if the file is too large.
  static func contents(_ path: String) throws(Diagnostic) -> [UInt8] {
    do throws(SystemError) {
      let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
      try SystemError.inject(.read, path)
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while bytes.count <= ConfigurationParser.largestFile {
        let count = unsafe buffer.withUnsafeMutableBytes {
          unsafe Glibc.read(file.raw, $0.baseAddress, $0.count)
        }
        if count == 0 { break }
        if count > 0 {
          bytes += buffer[..<count]
        } else if errno != EINTR {
          throw SystemError(errno)
        }
      }
      return bytes
    } catch { throw failure(path, error.number) }
  }

  /// A file or folder that the kernel refused. An invalid path makes the configuration
  /// invalid.
  static func failure(
    _ path: String, _ number: Int32, _ what: String = "cannot read the file"
  ) -> Diagnostic {
    let isPath = [ENOTDIR, ELOOP, ENAMETOOLONG].contains(number)
    return Diagnostic(
      SourcePosition(path: path), "\(what): \(Errno.name(number))", hint: hint(number),
      errno: isPath ? 0 : number)
  }

  private static func hint(_ number: Int32) -> String {
    switch number {
    case EACCES, EPERM: "make it readable for the daemon's user"
    default: FileFailure(number).hint
    }
  }
}
