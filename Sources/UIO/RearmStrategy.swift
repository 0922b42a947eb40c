/// How an interrupt line is unmasked after it has been serviced.
public enum RearmStrategy: String, Sendable, CaseIterable {
  /// Write 1 to the device node; drivers with an irqcontrol hook (facts 17, 48).
  case irqControl = "irqcontrol"
  /// Clear Interrupt-Disable in PCI COMMAND; `uio_pci_generic` (facts 41, 42).
  case pciCommand = "pci-command"
  /// Nothing is masked and nothing is to be done: edge and message-signalled lines.
  case none

  /// What a known kernel driver needs; nil for a driver not known by name, which is then asked
  /// (fact 16).
  package static func known(driver: String?) -> RearmStrategy? {
    switch driver {
    case "uio_pci_generic": .pciCommand
    case "uio_pdrv_genirq", "uio_dmem_genirq", "uio_hv_generic", "igb_uio": .irqControl
    case "uio_pci_sva", "uio_pci_generic_sva": RearmStrategy.none
    default: nil
    }
  }
}
