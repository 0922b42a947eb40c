// [Match]: patterns, negation, what can never match.
import Testing

@testable import InterruptSyncService

private let edu = DeviceProperties(
  stableID: "pci-0000:00:03.0", name: "uio_pci_generic", driver: "uio_pci_generic",
  pciDevice: "1234:11e8")
private let timer = DeviceProperties(stableID: "platform-fed00000.timer", name: "hpet")

@Test(arguments: [
  ("Id=*", true, true), ("Id=pci-*", true, false), ("Id=pci-0000:00:0[34].?", true, false),
  ("Id=platform-x platform-fed*", false, true), ("Id=!pci-*", false, true),
  ("Id=!pci-* platform-*", false, false), ("Id=pci-*\nId=!*.1", true, false),
  ("Id=*\nId=!pci-0000:00:03.0", false, true), ("Id=x\nId=\nId=pci-*", true, false),
  ("PCIDevice=1234:11e8", true, false), ("PCIDevice=1234:11E8", true, false),
  ("PCIDevice=1234:*", true, false), ("PCIDevice=*:11e8", true, false),
  ("PCIDevice=8086:* 1234:*", true, false), ("PCIDevice=8086:*", false, false),
  ("PCIDevice=!8086:*", true, true), ("PCIDevice=!1234:*", false, true),
  ("Name=hpet", false, true), ("Name=h?et uio_*", true, true),
  ("Driver=uio_pci_generic", true, false), ("Driver=*", true, false),
  ("Driver=!uio_pci_generic", false, true), ("Id=pci-*\nName=hpet", false, false),
  ("Id=*\nName=uio_*\nDriver=uio_*\nPCIDevice=*:*", true, false),
  ("Name=\"uio_pci_generic\"", true, false),
])
func matchAdmits(text: String, admitsEDU: Bool, admitsTimer: Bool) throws {
  let match = try device("[Match]\n\(text)\n").match
  #expect(match.admits(edu) == admitsEDU)
  #expect(match.admits(timer) == admitsTimer)
}

@Test(arguments: [
  ("Id=uio0", "2:4: error: Id=: \"uio0\" is the number of a device", "--list"),
  ("Id=* /dev/uio3", "2:6: error: Id=: \"/dev/uio3\" is the number of a device", "--list"),
  (
    "Id=0000:00:03.0", "2:4: error: Id=: \"0000:00:03.0\" is not a stable id",
    "write pci-0000:00:03.0"
  ),
  (
    "Id=pci-00:1F.7", "2:4: error: Id=: \"pci-00:1F.7\" is not a stable id",
    "write pci-0000:00:1f.7"
  ),
  (
    "Id=pci-* pci-0000:00:99.0", "2:10: error: Id=: \"pci-0000:00:99.0\" is not a PCI address",
    "DOMAIN"
  ),
  ("Id=a !b", "2:6: error: Id=: \"!\" is inside the list", "before the first"),
  ("Id=!", "2:4: error: Id=: a pattern is empty", "*"),
  ("Name=\"\"", "2:6: error: Name=: a pattern is empty", "*"),
  ("Name=\"a", "2:6: error: the quote is not closed", "close it"),
  ("PCIDevice=1234", "2:11: error: PCIDevice=: \"1234\" is not a PCI vendor", "1234:11e8"),
  ("PCIDevice=1234:11e8 12345:1", "2:21: error: PCIDevice=: \"12345:1\" is not", "lspci"),
  ("PCIDevice=+123:*", "2:11: error: PCIDevice=: \"+123:*\" is not", "lspci"),
  ("PCIDevice=!g:1", "2:11: error: PCIDevice=: \"g:1\" is not", "lspci"),
  ("Drvier=x\nName=y", "2:1: error: [Match] has no key Drvier=", "did you mean Driver=?"),
  ("Mode=all\nName=y", "2:1: error: [Match] has no key Mode=", "Mode= belongs in [Device]"),
])
func matchFaultsAreToldWithTheirPlace(text: String, fault: String, hint: String) throws {
  let faults = try deviceFaults("[Match]\n\(text)\n")
  #expect(faults.count == 1, "\(faults)")
  #expect(faults.first?.hasPrefix(fault) == true, "\(faults)")
  #expect(faults.first?.contains(hint) == true, "\(faults)")
}

@Test(arguments: [
  ("[Match]\n", "1:1: error: the file does not say which devices"),
  ("\n[Match]\nId=\n", "2:1: error: the file does not say which devices"),
  ("[Device]\n", " error: the file does not say which devices"),
  ("# only a comment\n", " error: the file does not say which devices"),
])
func matchHasToSaySomething(text: String, fault: String) throws {
  let faults = try deviceFaults(text)
  #expect(faults.count == 1, "\(faults)")
  #expect(faults.first?.hasPrefix(fault) == true, "\(faults)")
}

@Test func matchIsNotMissedWhereTheFileCouldNotBeRead() throws {
  for text in ["[Match\nId=*\n", "[Mach]\nId=*\n", "[Match]\nID=*\n"] {
    let faults = try deviceFaults(text)
    #expect(faults.count == 1, "\(faults)")
  }
  #expect(try deviceFaults("[Device]\nMod=all\n").count == 2)
}
