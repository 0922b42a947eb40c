// Floor 7. The options --host and --machine: where the daemon is, and the program that leads there, as
// systemctl has them. The commands' common options contain them. Over ssh and in a container
// `interruptsyncctl bridge` runs, and the bytes of the connection go through its standard input and
// output; so no descriptor crosses. On the program's one thread; no lock.
import ArgumentParser
import Glibc
import InterruptSyncClient
import LinuxSystem

/// What --host takes: `[USER@]HOST[:PORT][/MACHINE]`.
struct HostArgument: ExpressibleByArgument {
  /// With the user.
  let host: String
  let port: String?
  let machine: String?
  private let text: String

  init?(argument: String) {
    text = argument
    let parts = argument.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    machine = parts.count > 1 ? String(parts[1]) : nil
    if let machine, MachineArgument(argument: machine) == nil { return nil }
    var host = parts[0]
    var port: Substring?
    // An IPv6 address has colons of its own, and stands in brackets where a port follows.
    if let colon = host.lastIndex(of: ":"),
      host[..<colon].hasSuffix("]") || host.firstIndex(of: ":") == colon
    {
      port = host[host.index(after: colon)...]
      host = host[..<colon]
      guard let number = UInt16(port ?? ""), number > 0 else { return nil }
    }
    self.port = port.map(String.init)
    self.host = String(host.filter { $0 != "[" && $0 != "]" })
    guard !self.host.isEmpty, !self.host.hasPrefix("-"), !self.host.hasSuffix("@") else {
      return nil
    }
  }

  /// - Parameter options: of ssh.
  func carrier(_ address: String?, options: [String] = []) -> DaemonPlace.Carrier {
    let bridge = BridgeCommand.words(address, machine: machine).map(Self.quoted)
    let port = port.map { ["-p", $0] } ?? []
    let words = ["ssh", "-xT"] + options + port + ["--", host]
    return DaemonPlace.Carrier(
      words + [bridge.joined(separator: " ")], name: text,
      hint: "its message is above; \(words.joined(separator: " ")) interruptsyncctl status tries it"
    )
  }

  /// A word for the far side's shell.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || ($0 >= 0x2d && $0 <= 0x39) || $0 == 0x5f
    }
    if isPlain { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }
}

/// What --machine takes: the name of a container that systemd-machined knows; `.host` is this machine.
struct MachineArgument: ExpressibleByArgument {
  let name: String

  init?(argument: String) {
    guard !argument.isEmpty, argument == ".host" || !argument.hasPrefix("."),
      argument.utf8.allSatisfy({
        ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39)
          || [0x2d, 0x2e, 0x5f].contains($0)
      })
    else { return nil }
    name = argument
  }

  var isHost: Bool { name == ".host" }

  /// Where systemd-machined keeps a file for each machine.
  private static let folder = "/run/systemd/machines"

  /// The containers and virtual machines that systemd-machined knows.
  static var all: [String] {
    let names = (try? FileDescriptor.list(folder)) ?? []
    return names.filter { MachineArgument(argument: $0) != nil }
  }

  /// - Throws: `invalidArgument` when systemd-machined knows no such container, `permissionDenied` for
  ///   users other than root.
  func carrier(_ address: String?) throws(InterruptSyncClientError) -> DaemonPlace.Carrier {
    let properties = try properties()
    guard properties["CLASS"] != "vm" else {
      throw failure(
        .invalidArgument, "it is a virtual machine",
        "reach it over the network: --host USER@\(name)")
    }
    guard let leader = properties["LEADER"], Int32(leader) != nil else {
      throw failure(.invalidArgument, "it has no process", "it is starting or ending: try again")
    }
    guard geteuid() == 0 else {
      throw failure(
        .permissionDenied, "only root enters a container's namespaces",
        "run interruptsyncctl as root")
    }
    // The caller's own user namespace cannot be entered again.
    let isOwnUser =
      (try? FileDescriptor.link("/proc/self/ns/user"))
      == (try? FileDescriptor.link("/proc/\(leader)/ns/user"))
    let namespaces = ["--mount", "--net", "--root"] + (isOwnUser ? [] : ["--user"])
    // The variable is for this machine.
    let clean = ["env", "-u", "INTERRUPTSYNC_ADDRESS"]
    return DaemonPlace.Carrier(
      ["nsenter", "--target", leader] + namespaces + ["--"] + clean + BridgeCommand.words(address),
      name: name, hint: "its message is above; machinectl status \(name) shows the container")
  }

  private func properties() throws(InterruptSyncClientError) -> [String: String] {
    let text: String
    do throws(SystemError) { text = try FileDescriptor.wholeText("\(Self.folder)/\(name)") } catch {
      guard error.number != ENOENT else {
        throw failure(
          .invalidArgument, "systemd-machined knows no such machine",
          "machinectl list shows them; in other containers run interruptsyncctl itself")
      }
      throw failure(
        .systemFailure, "cannot read \(Self.folder)/\(name) (\(error.errno))", "run it as root")
    }
    var properties: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { properties[String(parts[0])] = String(parts[1]) }
    }
    return properties
  }

  private func failure(
    _ code: InterruptSyncClientError.Code, _ cause: String, _ hint: String
  ) -> InterruptSyncClientError {
    InterruptSyncClientError(
      code, object: name, operation: "find the container", cause: cause, hint: hint)
  }
}

/// The command of the far side.
enum BridgeCommand {
  static func words(_ address: String?, machine: String? = nil) -> [String] {
    ["interruptsyncctl", "bridge"] + (machine.map { ["--machine=\($0)"] } ?? [])
      + (address.map { ["--address=\($0)"] } ?? [])
  }
}
