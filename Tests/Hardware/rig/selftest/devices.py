"""Makes every device of the rig interrupt, and the fixture do all it offers."""
import errno
import mmap
import os
import select
import struct

FIXTURE = "/sys/bus/platform/devices/uio-fixture.%d/"


def text(path):
    with open(path) as file:
        return file.read().strip()


def write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def equal(what, got, wanted):
    print("%s %s: %s" % ("ok    " if got == wanted else "FAILED", what, got))
    if got != wanted:
        raise SystemExit(1)


def error(function, *arguments):
    try:
        function(*arguments)
    except OSError as problem:
        return errno.errorcode[problem.errno]
    return "no error"


class Device:
    """A UIO device, by the sysfs device it belongs to."""

    def __init__(self, parent):
        self.parent = parent
        self.name, = os.listdir(parent + "/uio")
        self.fd = os.open("/dev/" + self.name, os.O_RDWR | os.O_NONBLOCK)

    def wait(self, seconds=5):
        """The event count, or None when no interrupt comes."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return None
        return struct.unpack("i", os.read(self.fd, 4))[0]

    def control(self, value):
        return os.write(self.fd, struct.pack("i", value))

    def map(self, number, kind, length=4096):
        memory = mmap.mmap(self.fd, length, offset=number * mmap.PAGESIZE)
        return memoryview(memory).cast(kind)


class PCI(Device):
    def __init__(self, address):
        super().__init__("/sys/bus/pci/devices/" + address)
        self.config = os.open(self.parent + "/config", os.O_RDWR)

    def rearm(self):
        # Both bytes: QEMU 7.2 overlooks a write of the upper one alone.
        command = struct.unpack("H", os.pread(self.config, 2, 4))[0]
        os.pwrite(self.config, struct.pack("H", command & ~0x400 | 7), 4)


def edu(address):
    device = PCI(address)
    registers = device.map(0, "I")
    equal("edu %s identification" % address, hex(registers[0]), "0x10000ed")
    first = None
    for _ in range(1000):
        device.rearm()
        registers[0x60 // 4] = 1
        last = device.wait()
        registers[0x64 // 4] = registers[0x24 // 4]
        first = last if first is None else first
    equal("edu %s interrupts" % address, last - first + 1, 1000)


def uarts(address):
    device = PCI(address)
    ports = os.open(device.parent + "/resource0", os.O_RDWR)
    device.rearm()
    for base in range(0, 32, 8):
        os.pwrite(ports, b"\x07", base + 2)  # FIFO on
        os.pwrite(ports, b"\x18", base + 4)  # loopback
        os.pwrite(ports, b"\x01", base + 1)  # interrupt on reception
    device.wait(0)
    device.rearm()
    for base in range(0, 32, 8):
        os.pwrite(ports, bytes([0x41 + base]), base)
    equal("uarts interrupt", device.wait() is not None, True)
    equal("uarts receive", b"".join(os.pread(ports, 1, base) for base in range(0, 32, 8)), b"AIQY")
    device.wait(0)
    device.rearm()
    equal("uarts fall silent", device.wait(0.2), None)


def hda(address):
    device = PCI(address)
    device.rearm()
    registers, halves = device.map(0, "I"), device.map(0, "H")
    registers[0x08 // 4] = 0
    registers[0x08 // 4] = 1                # out of reset: the codec reports itself
    halves[0x0C // 2] = 0x7FFF              # wake enable
    registers[0x20 // 4] = 0xC0000000       # global and controller interrupt
    equal("hda interrupts", device.wait() is not None, True)
    halves[0x0E // 2] = 0x7FFF
    device.rearm()
    equal("hda falls silent", device.wait(0.2), None)


def hpet():
    device = Device("/sys/bus/platform/devices/uio_pdrv_genirq.0")
    registers = device.map(0, "I")
    configuration, comparator = 0x120 // 4, 0x128 // 4
    registers[0x10 // 4] |= 1               # main counter runs
    first = None
    for _ in range(200):
        registers[comparator] = registers[0xF0 // 4] + 100000 & 0xFFFFFFFF     # 1 ms
        registers[configuration] = 18 << 9 | 1 << 8 | 1 << 2 | 1 << 1          # 32 bits wide, level
        device.control(1)
        last = device.wait()
        registers[0x20 // 4] = 2
        first = last if first is None else first
    registers[configuration] = 0
    equal("hpet interrupts", last - first + 1, 200)


def custom():
    attributes = FIXTURE % 0
    write(attributes + "count", 2**31 - 2)
    device = Device(attributes)
    counts = []
    for times in (1, 1, 3):
        write(attributes + "raise", times)
        counts.append(device.wait(0))
    equal("count past the largest", counts, [2**31 - 1, -2**31, -2**31 + 3])
    write(attributes + "count", -2)
    counts = []
    for times in (1, 1):
        write(attributes + "raise", times)
        counts.append(device.wait(0))
    equal("count past -1", counts, [-1, 0])
    equal("count as an attribute", text(attributes + "count"), "0")
    equal("no event", error(os.read, device.fd, 4), "EAGAIN")

    write(attributes + "irqcontrol_calls", 0)
    equal("irqcontrol", [device.control(1), device.control(-5)], [4, 4])
    write(attributes + "irqcontrol_result", -errno.EIO)
    equal("irqcontrol fails", error(device.control, 0), "EIO")
    write(attributes + "irqcontrol_result", 3)
    equal("irqcontrol leaks", device.control(2), 3)
    write(attributes + "irqcontrol_result", 0)
    equal("irqcontrol log", text(attributes + "irqcontrol_log").split(), ["1", "-5", "0", "2"])
    equal("irqcontrol calls", text(attributes + "irqcontrol_calls"), "4")

    page, testdev = device.map(0, "I"), device.map(1, "I")
    page[5], testdev[7] = 0x12345678, 0x9ABCDEF0
    equal("kernel page", hex(device.map(0, "I")[5]), "0x12345678")
    equal("testdev memory", hex(device.map(1, "I")[7]), "0x9abcdef0")
    port = os.open("/dev/port", os.O_RDWR)
    os.pwrite(port, b"\x5a", 0xE0)
    equal("testdev port", os.pread(port, 1, 0xE0), b"\x5a")
    return device


def open_errors():
    attributes = FIXTURE % 0
    equal("opens", text(attributes + "opens"), "1")
    write(attributes + "open_result", -errno.EBUSY)
    equal("open refused", error(Device, attributes), "EBUSY")
    write(attributes + "open_result", 0)


def removal(device):
    write(device.parent + "registered", 0)
    equal("removed: read", error(device.wait), "EIO")
    equal("removed: write", error(device.control, 1), "EINVAL")
    equal("removed: raise", error(write, device.parent + "raise", 1), "ENODEV")
    write(device.parent + "registered", 1)
    again = Device(device.parent)
    write(device.parent + "raise", 1)
    equal("registered again", again.wait(), 1)
    equal("the old file stays dead", error(device.wait), "EIO")


def others():
    noirq, unaligned, noirqcontrol = (Device(FIXTURE % number) for number in (1, 2, 3))
    equal("noirq: read", error(noirq.wait), "EIO")
    equal("noirq: write", error(noirq.control, 1), "EIO")
    noirq.map(0, "I")[0] = 1
    equal("unaligned map", error(unaligned.map, 0, "I", 256), "ENODEV")
    unaligned.map(1, "I")[0x240 // 4] = 0xCAFE
    equal("offset map", hex(unaligned.map(1, "I")[0x240 // 4]), "0xcafe")
    equal("noirqcontrol: write", error(noirqcontrol.control, 1), "ENOSYS")
    write(FIXTURE % 3 + "raise", 2)
    equal("noirqcontrol: read", noirqcontrol.wait(), 2)


edu("0000:00:03.0")
edu("0000:00:04.0")
uarts("0000:00:05.0")
hda("0000:00:06.0")
hpet()
fixture = custom()
open_errors()
removal(fixture)
others()
