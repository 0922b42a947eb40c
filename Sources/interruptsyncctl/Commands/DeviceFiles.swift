// Floor 7. new and edit: the files that say how the daemon services a device. new prints the beginning
// of one, and needs no daemon; edit opens the file of a device in an editor, installs it once it has no
// problem, and reloads. On the program's one thread.
import ArgumentParser
import DeviceIdentity
import DeviceInventory
import Glibc
import InterruptSyncClient
import InterruptSyncService
import LinuxSystem
import UIO
import Varlink

struct New: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a commented .device file for a device, to be completed from its data sheet.",
    discussion: """
      It reads what the machine knows of the device: vendor and device, regions of registers, kind of \
      interrupt. edit opens the same text for a device that has no file.
      """)

  @Argument(help: "A PCI address, VENDOR:DEVICE, BUS-NAME, or a UIO device.", completion: .bindable)
  var device: String

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try common.requireLocal("new looks at the machine that it runs on")
  }

  func run() throws {
    let template = try DeviceFileTemplate(for: device)
    if common.json {
      return common.show(["file": .string(template.name), "text": .string(template.text)])
    }
    Console.out(template.text)
  }
}

struct Edit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Edits the .device file of a device, checks it, and reloads the daemon (root).",
    discussion: """
      Opens the file in $VISUAL or $EDITOR. A device without a file gets the one that new prints. A \
      file outside /etc is copied to /etc, which replaces it. Nothing is installed while \
      it has a problem: you can edit again, or keep the file as it was. Then your text stays beside it.
      """)

  @Argument(
    help: "A device as for new, a software line, or the name of a file (NAME.device).",
    completion: .editable)
  var device: String

  @Option(help: "Edit the configuration below this folder instead of /.", completion: .directory)
  var configRoot = ""

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try common.requireLocal("edit changes files of the machine that it runs on")
  }

  func run() throws {
    let (name, template) = try file()
    let draft = DeviceFileDraft(name: name, root: configRoot, template: template)
    guard try draft.edit(common, install: reload) else { return }
    let known = try? common.client().describe(device)
    common.done(
      "wrote \(draft.target)" + (known.map { "; \($0.id) is \($0.state.rawValue)" } ?? ""))
    if let known, let failure = known.failure {
      common.note("\(known.id): \(failure)" + (known.failureHint.map { "\n  hint: \($0)" } ?? ""))
    }
  }

  /// The name of the file, and the text that a new one begins with.
  private func file() throws -> (name: String, template: String) {
    if device.hasSuffix(".device") {
      guard !device.contains("/"), !device.hasPrefix(".") else {
        throw ValidationError("give the name of a .device file without its folder")
      }
      return (device, "[Match]\n\n[Device]\n\n[Routine]\n")
    }
    if let known = try? common.client().describe(device).file { return (known, "") }
    let template = try DeviceFileTemplate(for: device)
    return (matching() ?? template.name, template.text)
  }

  /// The file that the daemon would take for the device, if it does not run. Nil: none, or the
  /// configuration cannot be read as a whole.
  private func matching() -> String? {
    guard let set = try? ConfigurationSet(ConfigurationTree(root: configRoot)) else { return nil }
    let id = try? UIODeviceID(device)
    if let info = id.flatMap({ try? UIODeviceInfo.find($0) }) {
      return set.file(for: DeviceProperties(info))?.name
    }
    let function = VFIODeviceInfo.all().first { $0.isCalled(device) }
    return function.flatMap {
      set.file(
        for: DeviceProperties(
          stableID: $0.stableID, name: $0.driver, driver: $0.driver, pciDevice: "\($0.pci.kind)"))
    }?.name
  }

  /// Has the daemon read the new file.
  /// - Returns: why it does not accept the configuration; nil when it does, or when it does not run.
  private func reload() throws(InterruptSyncClientError) -> String? {
    do throws(InterruptSyncClientError) { try common.client().reload() } catch {
      switch error.code {
      case .configurationRejected: return error.description
      case .notRunning:
        common.note("the daemon does not run; it reads the file when it starts")
        return nil
      default: throw error
      }
    }
    return nil
  }
}
