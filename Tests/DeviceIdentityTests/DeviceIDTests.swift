// What people type to name a device.
import Testing

@testable import DeviceIdentity

@Test(arguments: [
  ("0", UIODeviceID.number(0)),
  ("3", .number(3)),
  ("uio3", .number(3)),
  ("uio007", .number(7)),
  ("/dev/uio12", .number(12)),
  ("/dev/uio", .path("/dev/uio")),
  ("/dev/3", .path("/dev/3")),
  ("/dev/serial/by-id/x", .path("/dev/serial/by-id/x")),
  ("/dev/uio99999999999999999999", .path("/dev/uio99999999999999999999")),
  ("/dev/uio-1", .path("/dev/uio-1")),
  ("uio", .name("uio")),
  ("uio-1", .name("uio-1")),
  ("-1", .name("-1")),
  ("+3", .name("+3")),
  ("99999999999999999999", .name("99999999999999999999")),
  ("٣", .name("٣")),
  ("00:03.0", .stable("pci-0000:00:03.0")),
  ("0000:00:03.0", .stable("pci-0000:00:03.0")),
  ("pci-00:1F.7", .stable("pci-0000:00:1f.7")),
  ("pci-10000:e1:00.0", .stable("pci-10000:e1:00.0")),
  ("pci-00:03.0+evt%201", .stable("pci-0000:00:03.0+evt%201")),
  ("platform-fed00000.timer", .stable("platform-fed00000.timer")),
  ("platform-fed00000.timer+evt2", .stable("platform-fed00000.timer+evt2")),
  ("timer", .name("timer")),
  ("00:20.0", .name("00:20.0")),
  ("two words", .name("two words")),
  (" 3", .name(" 3")),
])
func aTypedNameIsRead(_ text: String, _ id: UIODeviceID) throws {
  #expect(try UIODeviceID(text) == id)
}

@Test(arguments: [
  "", "pci-", "pci-zz", "pci-00:20.0", "pci-+1", "pci-0000:00:03.0+", "pci-0000:00:03.0+a b",
  "pci-0000:00:03.0++1", "pci-0000:00:03.0+a/b", "pci-0000:00:03.0+*", "pci-0000:00:03.8",
  "pci-0000:00:03.0 ",
])
func aTextThatNamesNoDeviceIsMalformed(_ text: String) throws {
  let error = #expect(throws: UIOError.self) { try UIODeviceID(text) }
  #expect(error?.code == .malformed)
  // No address that the machine may not have, or may have for another card.
  #expect(error?.hint.contains("pci-DOMAIN:BUS:DEVICE.FUNCTION") == true)
  #expect(error?.hint.contains(/[0-9a-f]:[0-9a-f]/) == false)
  #expect(error?.cause.isEmpty == false)
}

@Test(arguments: ["uio3", "/dev/disk", "pci-0000:00:03.0+evt1", "platform-x", "a name"])
func aDeviceIDPrintsWhatItReads(_ text: String) throws {
  #expect(try UIODeviceID(text).description == text)
}
