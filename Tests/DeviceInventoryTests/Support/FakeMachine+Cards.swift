// Cards of a fake machine with what the kernel shows of their kind, and the file with their names.
import TestSupport

extension FakeMachine {
  /// A PCI function. The class is the one of QEMU's edu.
  func addCard(
    _ address: String, _ vendor: String, _ device: String, code: String = "0x00ff00",
    driver: String? = nil, configuration: [UInt8] = [], resource: String = ""
  ) throws {
    try add(address, driver: driver)
    let place = "sys/devices/pci0/\(address)"
    for (name, text) in ["vendor": vendor, "device": device, "class": code, "irq": "11"] {
      try folder.write("\(place)/\(name)", text + "\n")
    }
    try folder.write("\(place)/resource", resource)
    try folder.write("\(place)/config", configuration)
  }

  /// A platform device; `compatible` as a device tree has it.
  func addPlatformDevice(_ name: String, compatible: String?, driver: String? = nil) throws {
    try add(name, bus: "platform", driver: driver)
    guard let compatible else { return }
    try folder.write("sys/devices/platform0/\(name)/of_node/compatible", compatible)
  }

  static let names = """
    # A comment
    1234  Technical Corp.
    \t1111  QEMU Virtual Video Controller
    \t11e8  QEMU edu\u{1b}[31m
    \t\t1af4 1100  A subsystem
    8086  Intel Corporation
    \t10d3  82574L Gigabit Network Connection
    C 00  Unclassified device
    \t00  Non-VGA unclassified device
    C 02  Network controller
    \t00  Ethernet controller
    \t\t01  An interface

    """

  func addNames(at path: String = "usr/share/misc/pci.ids") throws {
    try folder.write(path, Self.names)
  }

  /// A configuration space with a pin (0: none) and the capabilities, each with its control word.
  static func space(pin: UInt8, _ capabilities: [(id: UInt8, control: UInt16)] = []) -> [UInt8] {
    var space = [UInt8](repeating: 0, count: 256)
    space[0x3d] = pin
    guard !capabilities.isEmpty else { return space }
    space[0x06] = 0x10
    space[0x34] = 0x40
    for (index, one) in capabilities.enumerated() {
      let place = 0x40 + 16 * index
      space[place] = one.id
      space[place + 1] = index == capabilities.count - 1 ? 0 : UInt8(place + 16)
      space[place + 2] = UInt8(one.control & 0xff)
      space[place + 3] = UInt8(one.control >> 8)
    }
    return space
  }
}
