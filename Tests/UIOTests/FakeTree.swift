// A copy of the corner of sysfs and /dev that a UIO device shows, in a temporary folder, with the
// kernel's symbolic links.
import Foundation
import UIO

/// A UIO device to be laid out. The defaults are QEMU's `edu` behind `uio_pci_generic`.
struct FakeDevice {
  struct Map {
    var name = "0000:00:03.0"
    var addr = "0x00000000febf0000"
    var size = "0x0000000000100000"
    var offset = "0x0"
  }

  struct Port {
    var name = ""
    var start = "0x60"
    var size = "0x8"
    var type = "port_x86"
  }

  enum Node {
    /// Opens for reading and writing, is never in error, keeps what is written.
    case fifo
    /// A file of so many bytes, which can be mapped.
    case file(Int)
    case none
  }

  var number = 0
  var bus = "pci"
  var parent = "0000:00:03.0"
  var driver: String? = "uio_pci_generic"
  var name = "uio_pci_generic"
  var version = "0.01.0"
  var event = "0"
  var dev = "245:0"
  /// By index; nil leaves a gap.
  var maps: [Map?] = []
  var ports: [Port] = []
  /// Attributes of the parent.
  var attributes = [
    "vendor": "0x1234", "device": "0x11e8", "irq": "11",
    "resource": "0x00000000febf0000 0x00000000feceffff 0x0000000000040200\n",
  ]
  /// Binary files of the parent: `config`, `resource0` and so on.
  var files: [String: [UInt8]] = [:]
  var node = Node.fifo
}

/// The tree; all trees are removed when the process ends.
final class FakeTree: Sendable {
  let root: String

  private static let all: String = {
    atexit { try? FileManager.default.removeItem(atPath: FakeTree.all) }
    return NSTemporaryDirectory() + "uio-tests-\(UUID().uuidString)"
  }()

  init(_ devices: FakeDevice...) throws {
    root = "\(Self.all)/\(UUID().uuidString)"
    try folder("sys/class/uio")
    try folder("dev")
    for device in devices { try add(device) }
  }

  var sysfs: Sysfs { Sysfs(root: "\(root)/sys", devices: "\(root)/dev") }

  func path(_ relative: String) -> String { "\(root)/\(relative)" }

  func parent(_ device: FakeDevice) -> String { "sys/devices/\(device.bus)0/\(device.parent)" }

  func folder(_ relative: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(relative), withIntermediateDirectories: true)
  }

  func write(_ relative: String, _ text: String) throws { try write(relative, Array(text.utf8)) }

  func write(_ relative: String, _ bytes: [UInt8]) throws {
    try folder((relative as NSString).deletingLastPathComponent)
    try Data(bytes).write(to: URL(fileURLWithPath: path(relative)))
  }

  func bytes(_ relative: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(relative))))
  }

  func link(_ relative: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path(relative), withDestinationPath: target)
  }

  func remove(_ relative: String) throws {
    try FileManager.default.removeItem(atPath: path(relative))
  }

  /// Takes away what the kernel takes away at an unbind (fact 28).
  func unbind(_ number: Int) throws {
    try remove("sys/class/uio/uio\(number)")
  }

  func add(_ device: FakeDevice) throws {
    let parent = parent(device)
    let uio = "\(parent)/uio/uio\(device.number)"
    let attributes = [
      "name": device.name, "version": device.version, "event": device.event, "dev": device.dev,
    ]
    for (name, text) in attributes { try write("\(uio)/\(name)", "\(text)\n") }
    for (index, map) in device.maps.enumerated() {
      guard let map else { continue }
      let texts = [
        "name": map.name, "addr": map.addr, "size": map.size, "offset": map.offset,
      ]
      for (name, text) in texts { try write("\(uio)/maps/map\(index)/\(name)", "\(text)\n") }
    }
    for (index, port) in device.ports.enumerated() {
      let texts = [
        "name": port.name, "start": port.start, "size": port.size, "porttype": port.type,
      ]
      for (name, text) in texts { try write("\(uio)/portio/port\(index)/\(name)", "\(text)\n") }
    }
    for (name, text) in device.attributes { try write("\(parent)/\(name)", "\(text)\n") }
    for (name, bytes) in device.files { try write("\(parent)/\(name)", bytes) }
    try? link("\(parent)/subsystem", to: "../../../bus/\(device.bus)")
    if let driver = device.driver {
      try? link("\(parent)/driver", to: "../../../bus/\(device.bus)/drivers/\(driver)")
    }
    try link("\(uio)/device", to: "../../../\(device.parent)")
    try link(
      "sys/class/uio/uio\(device.number)",
      to: "../../devices/\(device.bus)0/\(device.parent)/uio/uio\(device.number)")
    switch device.node {
    case .fifo: mkfifo(path("dev/uio\(device.number)"), 0o600)
    case .file(let size):
      try write("dev/uio\(device.number)", [UInt8](repeating: 0, count: size))
    case .none: break
    }
  }
}
