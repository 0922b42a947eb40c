// Several UIO devices of one parent: stable ids and udev's links while some of them are missing.
import Glibc
import LinuxSystem
import UIO

enum SiblingTests {
  static let cases = [
    Case("fact58_idAndLinkOfASiblingStayItsOwnWhicheverOthersAreMissing", missing),
    Case("fact59_siblingsOfOneNameHaveNoIDAndNoLink", twins),
  ]

  private static let place = "platform-uio-chip"
  private static let ids = ["\(place)+evt%200", "\(place)+evt%2f1"]

  private static func loaded(_ body: () throws -> Void) throws {
    try Guest.shell("modprobe uio_siblings && udevadm settle")
    defer { _ = try? Guest.shell("rmmod uio_siblings && udevadm settle") }
    try body()
  }

  private static func register(_ sibling: Int, _ isWanted: Bool) throws {
    Guest.write(
      isWanted ? "1" : "0", to: "/sys/bus/platform/devices/uio-chip/registered\(sibling)")
    try Guest.shell("udevadm settle")
  }

  private static func found(_ id: String) -> UIODeviceInfo? {
    (try? UIODeviceID(id)).flatMap { try? UIODeviceInfo.find($0) }
  }

  /// The device that a link means; nil if there is no link.
  private static func linked(_ id: String) -> Int? {
    (try? FileDescriptor.link("/dev/uio/by-path/\(id)")).flatMap {
      $0.hasPrefix("../../uio") ? Int($0.dropFirst(9)) : nil
    }
  }

  private static func missing() throws {
    try loaded {
      for absent in [nil, 0, 1, 2, 3, nil] {
        if let absent { try register(absent, false) }
        for (sibling, id) in ids.enumerated() {
          let name = ["evt 0", "evt/1"][sibling]
          let info = found(id)
          try expectEqual(
            info?.name, sibling == absent ? nil : name, "\(id) without \(absent ?? -1)")
          try expectEqual(linked(id), info?.number, "link of \(id) without \(absent ?? -1)")
        }
        try expectEqual(found(place)?.number, nil, "device of the parent alone")
        // It comes back under the first number that is free.
        if let absent { try register(absent, true) }
      }
    }
  }

  private static func twins() throws {
    try loaded {
      let id = "\(place)+evt"
      try expectUIOError(.ambiguous, [id, "nothing tells them apart", "node"]) {
        _ = try UIODevice(UIODeviceID(id))
      }
      try expectEqual(linked(id), nil, "link of two devices")
      try register(2, false)
      try register(3, false)
      try register(2, true)
      try expectEqual(linked(id), found(id)?.number, "link of the one that is there")
      try expect(linked(id) != nil, "there is no link")
      try register(3, true)
      try expectEqual(linked(id), nil, "link after the second came")
      try expectUIOError(.ambiguous, [id]) { _ = try UIODevice(UIODeviceID(id)) }
    }
  }
}
