import Testing
import DeviceIdentity

@testable import DeviceInventory

private let card = "0000:00:03.0"

/// A machine whose card has a disk with a partition and a network interface.
private func machine(
  mounts: String = "", swaps: String = "", routes: String = "", routes6: String = ""
)
  throws -> FakeMachine
{
  let machine = try FakeMachine()
  let folder = machine.folder
  try machine.add(card, driver: "virtio")
  try machine.add(driver: "uio_pci_generic")
  for (name, number) in [("vda", "254:0"), ("vda/vda1", "254:1")] {
    let path = "sys/devices/pci0/\(card)/virtio0/block/\(name)"
    try folder.write("\(path)/dev", number + "\n")
    let last = String(name.split(separator: "/").last ?? "")
    try folder.link("sys/class/block/\(last)", to: folder.path(path))
  }
  try folder.folder("sys/devices/pci0/\(card)/virtio0/net/eth0")
  try folder.link(
    "sys/class/net/eth0", to: folder.path("sys/devices/pci0/\(card)/virtio0/net/eth0"))
  try folder.write("proc/self/mountinfo", mounts)
  try folder.write("proc/swaps", "Filename Type Size Used Priority\n" + swaps)
  try folder.write(
    "proc/net/route",
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n" + routes)
  try folder.write("proc/net/ipv6_route", routes6)
  return machine
}

private func use(_ machine: FakeMachine) throws -> UIOError? {
  let device = try BusDevice(card, sysfs: machine.system.sysfs)
  do throws(UIOError) {
    _ = try DriverBinding(device, system: machine.system).bind(to: "uio_pci_generic")
  } catch { return error }
  return nil
}

@Test func deviceThatNobodyUsesIsBound() throws {
  let zero = String(repeating: "0", count: 32)
  let machine = try machine(
    mounts: "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
    routes:
      "eth1 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\neth0 0002A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n",
    routes6: "\(zero) 00 \(zero) 00 \(zero) ffffffff 00000001 00000000 00200200 lo\n")
  #expect(try use(machine) == nil)
}

@Test func mountedDiskIsLeftAlone() throws {
  let error = try use(machine(mounts: "22 1 254:1 / /home rw - ext4 /dev/vda1 rw\n"))
  #expect(error?.code == .busy)
  #expect(error?.cause == "vda1 is mounted at /home")
  #expect(error?.hint.contains("--force") == true)
}

@Test func mountThroughAMapperIsFound() throws {
  let machine = try machine(mounts: "22 1 253:0 / / rw - ext4 /dev/mapper/root rw\n")
  try machine.folder.folder("sys/devices/pci0/\(card)/virtio0/block/vda/vda1/holders/dm-0")
  try machine.folder.write("sys/class/block/dm-0/dev", "253:0\n")
  #expect(try use(machine)?.cause == "dm-0 is mounted at /")
}

@Test func fileSystemOfManyDisksIsFoundByItsSource() throws {
  let machine = try machine(mounts: "22 1 0:30 / /data rw shared:1 - btrfs /dev/vda1 rw\n")
  #expect(try use(machine)?.cause == "vda1 is mounted at /data")
}

@Test func swapIsLeftAlone() throws {
  #expect(try use(machine(swaps: "/dev/vda partition 1 0 -2\n"))?.cause == "vda is in use as swap")
}

@Test func defaultRouteIsLeftAlone() throws {
  let way = "eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n"
  #expect(try use(machine(routes: way))?.cause == "the default route goes through eth0")
  let zero = String(repeating: "0", count: 32)
  let way6 = "\(zero) 00 \(zero) 00 fe800000000000000000000000000001 400 1 0 3 eth0\n"
  #expect(try use(machine(routes6: way6))?.cause == "the default route goes through eth0")
}

@Test func defaultRouteThroughABridgeIsFound() throws {
  let way = "br0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n"
  let machine = try machine(routes: way)
  try machine.folder.folder("sys/devices/pci0/\(card)/virtio0/net/eth0/upper_br0")
  #expect(try use(machine)?.cause == "the default route goes through br0")
}

@Test func forceBindsWhateverUsesIt() throws {
  let machine = try machine(swaps: "/dev/vda partition 1 0 -2\n")
  let device = try BusDevice(card, sysfs: machine.system.sysfs)
  let outcome = try DriverBinding(device, system: machine.system).bind(
    to: "uio_pci_generic", force: true)
  #expect(outcome.after == "uio_pci_generic")
}
