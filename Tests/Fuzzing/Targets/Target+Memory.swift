// What another process or the kernel hands over: a ring in shared memory, and attributes of sysfs.
import CLinuxSystem
import CUIO
import DeviceIdentity
import Glibc
import LinuxSystem

extension Target {
  /// The reader of a ring whose writer writes anything, also while it is read: the second part of the input.
  static func ring(_ bytes: [UInt8]) {
    let size = 4096 + 4096
    let contents = Array((bytes + [UInt8](repeating: 0, count: size)).prefix(size))
    let file = contents.withUnsafeBytes { linux_memory_create("fuzz", UInt64($0.count)) }
    guard file >= 0 else { fatalError("no memory file") }
    defer { close(file) }
    _ = pwrite(file, contents, contents.count, 0)
    // What chance does not find: the header of a ring. The rest is the writer's.
    if let first = bytes.first, first % 2 == 0 {
      let whole = cuio_ring_file(UInt64(1) << UInt64(first / 2 % 6), &Ring.page)
      guard whole >= 0, let page = Ring.page else { fatalError("no ring") }
      let writable = Int(cuio_ring_size(page.pointee.capacity))
      // Behind the magic number, version and sizes.
      for (index, byte) in bytes.dropFirst().enumerated() where 64 + index < writable {
        UnsafeMutableRawPointer(page).storeBytes(of: byte, toByteOffset: 64 + index, as: UInt8.self)
      }
      read(whole)
      munmap(page, writable)
      close(whole)
    }
    read(file)
  }

  private enum Ring { nonisolated(unsafe) static var page: UnsafeMutablePointer<cuio_ring_page>? }

  private static func read(_ file: Int32) {
    var page: UnsafeMutablePointer<cuio_ring_page>?
    var size: UInt64 = 0
    guard cuio_ring_map(file, &page, &size) == 0, let page else { return }
    let mask = page.pointee.capacity - 1
    var entry = cuio_ring_entry()
    for _ in 0..<64 where cuio_ring_take(page, cuio_ring_entries(page), mask, &entry) {}
    _ = cuio_ring_sleep(page)
    _ = cuio_ring_dropped(page)
    _ = cuio_ring_has_ended(page)
    munmap(page, Int(size))
  }

  /// Attributes of a UIO device, its PCI function and an IOMMU group.
  static func sysfs(_ bytes: [UInt8]) {
    let names = [
      "name", "version", "event", "maps/map0/name", "maps/map0/addr", "maps/map0/size",
      "maps/map0/offset", "portio/port0/start", "portio/port0/size", "portio/port0/porttype",
      "device/resource", "device/vendor", "device/class", "device/irq", "device/uevent",
    ]
    let folder = "class/uio/uio0"
    for sub in ["maps/map0", "portio/port0", "device"] { Scratch.folder("\(folder)/\(sub)") }
    Scratch.folder("bus/pci")
    symlink("../../../bus/pci", "\(Scratch.root)/\(folder)/device/subsystem")
    let parts = parts(bytes)
    for (index, name) in names.enumerated() {
      Scratch.write("\(folder)/\(name)", index < parts.count ? parts[index] : [])
    }
    let sysfs = Sysfs(root: Scratch.root, devices: Scratch.root)
    if let info = try? UIODeviceInfo(number: 0, sysfs: sysfs) {
      for map in info.maps { expect(map.usableSize <= map.size, "more memory than there is") }
      _ = try? UIODeviceID(info.stableID)
    }
    if let address = PCIAddress("0000:00:03.0") {
      _ = PCIFunction(sysfs: sysfs, folder: "\(Scratch.root)/\(folder)/device", address: address)
    }
    guard let text = parts.last.flatMap(text) else { return }
    if let processors = ProcessorList.parse(text) {
      expect(ProcessorList.parse(ProcessorList.text(processors)) == processors, "other processors")
    }
    _ = try? UIODeviceID(text)
  }
}
