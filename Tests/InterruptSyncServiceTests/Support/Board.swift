import CUIO
import TestSupport
import UIO

/// A device with one map.
struct Board {
  let folder: TemporaryFolder
  let device: UIODevice
  let registers: RegisterRegion

  init(pages: Int = 1) throws {
    folder = try TemporaryFolder()
    let size = pages * Int(cuio_page_size())
    for (name, text) in [
      ("name", "board"), ("version", "1"), ("event", "0"), ("dev", "245:0"),
      ("maps/map0/name", "registers"), ("maps/map0/addr", "0x0"), ("maps/map0/offset", "0x0"),
      ("maps/map0/size", "0x" + String(size, radix: 16)),
    ] {
      try folder.write("sys/class/uio/uio0/\(name)", text + "\n")
    }
    try folder.write("dev/uio0", [UInt8](repeating: 0, count: size))
    device = try UIODevice(
      .number(0), sysfs: Sysfs(root: folder.path("sys"), devices: folder.path("dev")))
    registers = try device.region(map: 0)
  }
}
