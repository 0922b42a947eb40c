// Floor 7. What the udev rules run when a UIO device comes or goes: the links that name it, and who
// may write its PCI function's files. Control.swift runs it; hidden, because no person calls it.
// udev waits for it, so it must be short. On the program's one thread, no lock; the command settle
// needs root.
import ArgumentParser
import DeviceIdentity
import DeviceInventory
import LinuxSystem

struct Udev: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What the udev rules run.", shouldDisplay: false,
    subcommands: [Links.self, Settle.self])

  /// Prints the links for SYMLINK, separated by blanks.
  struct Links: ParsableCommand {
    @Argument(help: "The device's path below /sys.") var path: String

    func run() throws {
      guard let number = DeviceEvent.number(path) else { throw DeviceEvent.notUIO(path) }
      let present = UIODeviceInfo.all()
      guard let info = present.first(where: { $0.number == number }) else { return }
      Console.out(DeviceLinks(of: info, among: present).own.joined(separator: " "))
    }
  }

  /// Brings links and rights to what they are now, after the device came or went.
  struct Settle: ParsableCommand {
    @Argument(help: "The device's path below /sys.") var path: String

    func run() throws {
      guard let number = DeviceEvent.number(path) else { throw DeviceEvent.notUIO(path) }
      try PCIFileRights(folder: "/sys" + DeviceEvent.parent(path)).settle()
      let present = UIODeviceInfo.all()
      guard let info = present.first(where: { $0.number == number }) else { return }
      for stale in DeviceLinks(of: info, among: present).stale(.system) {
        // udev then makes that device's links again.
        try? BindingSystem.system.write("\(Sysfs.system.uioClass)/uio\(stale)/uevent", "change")
      }
    }
  }
}

/// A device as udev names it: `/devices/…/PARENT/uio/uioN`.
private enum DeviceEvent {
  static func number(_ path: String) -> Int? {
    guard let name = path.split(separator: "/").last, name.hasPrefix("uio") else { return nil }
    return Int(name.dropFirst(3))
  }

  static func parent(_ path: String) -> String {
    "/" + path.split(separator: "/").dropLast(2).joined(separator: "/")
  }

  static func notUIO(_ path: String) -> UIOError {
    UIOError(
      .malformed, device: path, operation: "read a device's path",
      cause: "it does not end with uioN",
      hint: "the udev rules give it as %p")
  }
}
