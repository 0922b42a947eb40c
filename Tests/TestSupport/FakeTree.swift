// A copy of the corner of sysfs and /dev that a UIO device shows, in a temporary folder, with the
// kernel's symbolic links.
import Foundation
public import LinuxSystem

/// A UIO device to be laid out. The defaults are QEMU's `edu` behind `uio_pci_generic`.
public struct FakeDevice: Sendable {
  public struct Map: Sendable {
    public var name: String
    public var addr: String
    public var size: String
    public var offset: String

    public init(
      name: String = "0000:00:03.0", addr: String = "0x00000000febf0000",
      size: String = "0x0000000000100000", offset: String = "0x0"
    ) {
      self.name = name
      self.addr = addr
      self.size = size
      self.offset = offset
    }
  }

  public struct Port: Sendable {
    public var name: String
    public var start: String
    public var size: String
    public var type: String

    public init(
      name: String = "", start: String = "0x60", size: String = "0x8", type: String = "port_x86"
    ) {
      self.name = name
      self.start = start
      self.size = size
      self.type = type
    }
  }

  public enum Node: Sendable {
    /// Opens for reading and writing, is never in error, keeps what is written.
    case fifo
    /// A file of so many bytes, which can be mapped.
    case file(Int)
    case none
  }

  public var number: Int
  public var bus: String
  public var parent: String
  public var driver: String?
  public var name: String
  public var version: String
  public var event: String
  public var dev: String
  /// By index; nil leaves a gap.
  public var maps: [Map?]
  public var ports: [Port]
  /// Attributes of the parent.
  public var attributes: [String: String]
  /// Binary files of the parent: `config`, `resource0` and so on.
  public var files: [String: [UInt8]]
  public var node: Node

  /// The attributes of an `edu`.
  public static let edu = [
    "vendor": "0x1234", "device": "0x11e8", "irq": "11",
    "resource": "0x00000000febf0000 0x00000000feceffff 0x0000000000040200\n",
  ]

  public init(
    number: Int = 0, bus: String = "pci", parent: String = "0000:00:03.0",
    driver: String? = "uio_pci_generic", name: String = "uio_pci_generic",
    version: String = "0.01.0", event: String = "0",
    dev: String = "245:0", maps: [Map?] = [], ports: [Port] = [],
    attributes: [String: String] = FakeDevice.edu, files: [String: [UInt8]] = [:],
    node: Node = .fifo
  ) {
    self.number = number
    self.bus = bus
    self.parent = parent
    self.driver = driver
    self.name = name
    self.version = version
    self.event = event
    self.dev = dev
    self.maps = maps
    self.ports = ports
    self.attributes = attributes
    self.files = files
    self.node = node
  }
}

/// The tree; all trees are removed when the process ends.
public final class FakeTree: Sendable {
  public let root: String

  private static let all: String = {
    atexit { try? FileManager.default.removeItem(atPath: FakeTree.all) }
    return NSTemporaryDirectory() + "uio-tests-\(UUID().uuidString)"
  }()

  public init(_ devices: FakeDevice...) throws {
    root = "\(Self.all)/\(UUID().uuidString)"
    try folder("sys/class/uio")
    try folder("dev")
    for device in devices { try add(device) }
  }

  public var sysfs: Sysfs { Sysfs(root: "\(root)/sys", devices: "\(root)/dev") }

  public func path(_ relative: String) -> String { "\(root)/\(relative)" }

  public func parent(_ device: FakeDevice) -> String {
    "sys/devices/\(device.bus)0/\(device.parent)"
  }

  public func folder(_ relative: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(relative), withIntermediateDirectories: true)
  }

  public func write(_ relative: String, _ text: String) throws {
    try write(relative, Array(text.utf8))
  }

  public func write(_ relative: String, _ bytes: [UInt8]) throws {
    try folder((relative as NSString).deletingLastPathComponent)
    try Data(bytes).write(to: URL(fileURLWithPath: path(relative)))
  }

  public func bytes(_ relative: String) throws -> [UInt8] {
    try contents(path(relative))
  }

  public func link(_ relative: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path(relative), withDestinationPath: target)
  }

  public func remove(_ relative: String) throws {
    try FileManager.default.removeItem(atPath: path(relative))
  }

  /// Takes away what the kernel takes away at an unbind (fact 28).
  public func unbind(_ number: Int) throws {
    try remove("sys/class/uio/uio\(number)")
  }

  public func add(_ device: FakeDevice) throws {
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
