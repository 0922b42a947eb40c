// A machine's buses in a folder, with a kernel that answers writes to driver_override, unbind and
// drivers_probe as the real one does: they succeed whatever comes of them.
import FoundationEssentials
import Glibc
import TestSupport
import DeviceIdentity

@testable import DeviceInventory

final class FakeMachine: Sendable {
  let folder: TemporaryFolder
  /// Drivers that take no device although they are asked.
  private let unwilling = Guarded<Set<String>>([])
  /// The same, as `DRIVER DEVICE`.
  private let unwillingFor = Guarded<Set<String>>([])
  private let modules = Guarded<Set<String>>([])
  private let refused = Guarded<[String: Int32]>([:])
  /// The driver that takes a device without an override.
  private let usual = Guarded<[String: String]>([:])
  private let log = Guarded<[String]>([])
  private let files = Guarded<[String: (group: UInt32, mode: UInt32)]>([:])

  init() throws {
    folder = try TemporaryFolder()
    for bus in ["pci", "platform"] {
      try folder.folder("sys/bus/\(bus)/devices")
      try folder.folder("sys/bus/\(bus)/drivers")
    }
    for name in ["block", "net"] { try folder.folder("sys/class/\(name)") }
    try folder.folder("proc/self")
  }

  var system: BindingSystem {
    BindingSystem(
      sysfs: Sysfs(root: folder.path("sys"), devices: folder.path("dev")), root: folder.path,
      write: { [self] (path, text) throws(SystemError) in try write(path, text) },
      loadModule: { [self] name in
        guard modules.withLock({ $0.contains(name) }) else { return false }
        try? folder.folder("sys/bus/pci/drivers/\(name)")
        return true
      },
      rights: FileRights(
        group: { $0 == "uio" ? Self.group : nil },
        read: { [self] path in files.withLock { $0[path] } },
        write: { [self] path, group, mode in
          files.withLock {
            guard $0[path] != nil else { return ENOENT }
            $0[path] = (group, mode)
            return 0
          }
        }))
  }

  /// The id of the group uio.
  static let group: UInt32 = 990

  /// Group and mode of a device's file, `GROUP MODE`.
  func rights(_ device: String, _ file: String) -> String? {
    files.withLock { $0[path(device, file)] }.map { "\($0.group) \(String($0.mode, radix: 8))" }
  }

  func set(_ device: String, _ file: String, group: UInt32, mode: UInt32) {
    files.withLock { $0[path(device, file)] = (group, mode) }
  }

  /// As `DriverBinding` names it.
  private func path(_ device: String, _ file: String) -> String {
    folder.path("sys/bus/pci/devices/\(device)/\(file)")
  }

  /// Everything that was written, as `ATTRIBUTE=TEXT`.
  var writes: [String] { log.withLock { $0 } }

  func add(driver: String, bus: String = "pci") throws {
    try folder.folder("sys/bus/\(bus)/drivers/\(driver)")
  }

  func add(module: String) { modules.withLock { _ = $0.insert(module) } }
  func makeUnwilling(_ driver: String) { unwilling.withLock { _ = $0.insert(driver) } }
  func makeUnwilling(_ driver: String, for device: String) {
    unwillingFor.withLock { _ = $0.insert("\(driver) \(device)") }
  }
  func refuse(_ attribute: String, _ number: Int32) { refused.withLock { $0[attribute] = number } }

  func add(_ device: String, bus: String = "pci", driver: String?, override: String = "(null)")
    throws
  {
    try folder.folder("sys/devices/\(bus)0/\(device)")
    try folder.link("sys/bus/\(bus)/devices/\(device)", to: "../../../devices/\(bus)0/\(device)")
    try folder.write("sys/devices/\(bus)0/\(device)/driver_override", override + "\n")
    try folder.link("sys/devices/\(bus)0/\(device)/subsystem", to: "../../../bus/\(bus)")
    if bus == "pci" {
      set(device, "config", group: 0, mode: 0o644)
      for bar in 0..<2 { set(device, "resource\(bar)", group: 0, mode: 0o600) }
    }
    if let driver {
      try add(driver: driver, bus: bus)
      usual.withLock { $0[device] = driver }
      try attach(device, bus, driver)
    }
  }

  func driver(_ device: String, bus: String = "pci") -> String? {
    (try? FileDescriptor.link(folder.path("sys/devices/\(bus)0/\(device)/driver")))
      .flatMap { $0.split(separator: "/").last.map(String.init) }
  }

  func override(_ device: String) throws -> String {
    let bytes = try folder.bytes("sys/devices/pci0/\(device)/driver_override")
    return String(String(decoding: bytes, as: UTF8.self).filter { $0 != "\n" })
  }

  private func attach(_ device: String, _ bus: String, _ driver: String) throws {
    try folder.link(
      "sys/devices/\(bus)0/\(device)/driver", to: "../../../bus/\(bus)/drivers/\(driver)")
  }

  private func write(_ path: String, _ text: String) throws(SystemError) {
    let parts = path.split(separator: "/").map(String.init)
    let attribute = parts[parts.count - 1]
    let text = String(text.filter { $0 != "\n" })
    log.withLock { $0.append("\(attribute)=\(text)") }
    if let number = refused.withLock({ $0[attribute] }) { throw SystemError(number) }
    do {
      switch attribute {
      case "driver_override":
        let device = parts[parts.count - 2]
        try folder.write(
          "sys/devices/\(parts[parts.count - 4])0/\(device)/driver_override",
          (text.isEmpty ? "(null)" : text) + "\n")
      case "unbind":
        let (bus, device) = (parts[parts.count - 5], text)
        unlink(folder.path("sys/devices/\(bus)0/\(device)/driver"))
      case "drivers_probe":
        try probe(parts[parts.count - 2], text)
      default: throw SystemError(ENOENT)
      }
    } catch { throw (error as? SystemError) ?? SystemError(EIO) }
  }

  private func probe(_ bus: String, _ device: String) throws {
    let path = "sys/devices/\(bus)0/\(device)/driver_override"
    let forced: String = String(decoding: try folder.bytes(path), as: UTF8.self).filter {
      $0 != "\n"
    }
    var driver: String? = forced
    if forced == "(null)" { driver = usual.withLock { $0[device] } }
    guard let driver, !unwilling.withLock({ $0.contains(driver) }),
      !unwillingFor.withLock({ $0.contains("\(driver) \(device)") }),
      access(folder.path("sys/bus/\(bus)/drivers/\(driver)"), F_OK) == 0
    else { return }
    try attach(device, bus, driver)
  }
}
