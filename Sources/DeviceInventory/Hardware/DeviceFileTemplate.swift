// A commented `.device` file for one device, as far as the machine knows it: what to match, the regions
// with registers, the kind of interrupt. What only the data sheet knows is left to the reader, in lines
// that the daemon does not read. Floor 5; reads sysfs on the caller's thread, without a lock.
package import DeviceIdentity

/// A beginning for a device's file. It passes `interruptsyncd --check-config` as it is.
package struct DeviceFileTemplate: Equatable, Sendable {
  /// `50-1234-11e8.device`.
  package let name: String
  package let text: String

  /// - Parameter id: what `BusDevice` takes.
  /// - Throws: `notFound`, `ambiguous`, `malformed`.
  package init(for id: String, system: BindingSystem = .system) throws(UIOError) {
    let device = try BusDevice(id, sysfs: system.sysfs)
    let subject = try Subject(device, id, system)
    let parts = [subject.heading, subject.match, subject.device, subject.routine]
    name = "50-\(Self.plain(subject.kind.map { "\($0)" } ?? subject.stableID)).device"
    text = parts.joined(separator: "\n")
  }

  /// A file's name that no shell takes apart.
  private static func plain(_ text: String) -> String {
    String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._+".contains($0)) ? $0 : "-" })
  }
}

/// The device, as the parts of its file tell of it.
private struct Subject {
  let stableID: String
  let kind: PCIKind?
  let words: String
  let driver: String?
  let interrupts: PCIInterrupts?
  /// `bar0`, with what it is.
  let regions: [(name: String, words: String)]

  init(_ device: BusDevice, _ id: String, _ system: BindingSystem) throws(UIOError) {
    let folder = "\(system.sysfs.root)/bus/\(device.bus)/devices/\(device.name)"
    driver = system.sysfs.linkName("\(folder)/driver")
    if let address = device.bus == "pci" ? PCIAddress(device.name) : nil,
      let function = PCIFunction(sysfs: system.sysfs, folder: folder, address: address)
    {
      stableID = "\(device)"
      kind = function.kind
      let name = PCINames(of: [function.kind], root: system.root).name(of: function.kind)
      words = (name.map { "\($0), " } ?? "") + "PCI \(function.kind)"
      interrupts = PCIInterrupts(folder: folder)
      regions = function.bars.map {
        ("bar\($0.number)", "\(Self.size($0.size)) of \($0.kind == .port ? "I/O ports" : "memory")")
      }
    } else {
      let info = try Self.uioDevice(device, id, system)
      stableID = info?.stableID ?? "\(device)"
      kind = nil
      words = info.map { "UIO device \($0.name)" } ?? "not bound to a UIO driver yet"
      interrupts = nil
      regions = (info?.maps ?? []).map {
        ("map\($0.index)", "\(Self.size($0.usableSize))\($0.name.isEmpty ? "" : ", \($0.name)")")
      }
    }
  }

  /// The UIO device of a device off PCI. A driver may make several of one.
  private static func uioDevice(
    _ device: BusDevice, _ id: String, _ system: BindingSystem
  ) throws(UIOError) -> UIODeviceInfo? {
    let found = UIODeviceInfo.all(system.sysfs).filter {
      $0.stableID == "\(device)" || $0.stableID.hasPrefix("\(device)+")
    }
    if found.count < 2 { return found.first }
    if let named = try? UIODeviceInfo.find(UIODeviceID(id), sysfs: system.sysfs) { return named }
    throw UIOError(
      .ambiguous, device: id, operation: "describe the device",
      cause: "its driver makes several UIO devices of it: "
        + found.map(\.stableID).joined(separator: ", "),
      hint: "name one of them")
  }

  private static func size(_ bytes: UInt64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
    where bytes >= 1 << shift && bytes & (1 << shift - 1) == 0 {
      return "\(bytes >> shift) \(unit)"
    }
    return counted(bytes, "byte")
  }

  /// Whether vfio-pci has the device, or is what `bind` would give it to.
  private var isVFIO: Bool {
    if let driver, IOMMUGroupInfo.isVFIO(driver) || driver.hasPrefix("uio") {
      return IOMMUGroupInfo.isVFIO(driver)
    }
    return interrupts.map { $0.pin == nil } ?? false
  }

  // MARK: The parts

  var heading: String {
    """
    # \(stableID): \(words)
    #
    # The daemon does not read lines that begin with #. interruptsync.device(5) has every key.

    """
  }

  var match: String {
    guard let kind else { return "[Match]\nId=\(stableID)\n" }
    return """
      [Match]
      # Every card of this kind. To match the card in this slot only, write Id=\(stableID) instead.
      PCIDevice=\(kind)

      """
  }

  var device: String {
    var lines = ["[Device]"]
    if let driver {
      lines.append("# The kernel driver is \(driver).")
    } else {
      lines.append("# No kernel driver has the device yet: interruptsyncctl bind \(stableID)")
    }
    lines += interruptLines
    if regions.isEmpty {
      lines.append("# It has no region with registers, or none that is known yet.")
    } else {
      lines.append("# Its registers are in these regions; a register is REGION:OFFSET/WIDTH, as in")
      lines.append("# \(regions[0].name):0x24/32 for the 32 bits at 0x24.")
      lines += regions.map { "#   \($0.name)  \($0.words)" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var interruptLines: [String] {
    guard let interrupts else {
      return ["# Rearm=auto finds out how the line is unmasked after an interrupt."]
    }
    var lines: [String] = []
    if let pin = interrupts.pin {
      lines.append(
        "# INTx, pin \(pin): the line interrupts for as long as the device asserts it, and other")
      lines.append("# devices may share it.")
    }
    let messages = [("MSI", interrupts.msi), ("MSI-X", interrupts.msix)].filter { $0.1 > 0 }
    lines += messages.map { "# \($0.0): \(counted($0.1, "message")), through vfio-pci only." }
    if !interrupts.isWhole {
      lines.append("# Only root can read whether it has MSI or MSI-X.")
    } else if lines.isEmpty {
      lines.append("# It declares no interrupt: no INTx, no MSI, no MSI-X.")
    }
    if isVFIO, let most = messages.last?.1 {
      lines.append("# Vectors= chooses among \(counted(most, "message")); without it, 16 at most.")
    }
    return lines
  }

  /// Messages need no acknowledgement. A line does: without it, a routine would only feed a storm.
  var routine: String {
    let place = "\(regions.first?.name ?? "bar0"):0x0/32"
    if isVFIO, (interrupts?.msi ?? 0) + (interrupts?.msix ?? 0) > 0 {
      return """
        # Counts every message. To look at a register first, as where one message means several
        # things, take Claim= and Acknowledge= from the data sheet.
        [Routine]
        #Claim=\(place)
        #Acknowledge=\(place)=claimed

        """
    }
    return """
      # Take two registers from the data sheet, and then the # away from these lines.
      # Claim=: is not 0 when the device interrupts. Acknowledge=: silences the device when it is
      # written; "claimed" is the value that Claim= has read.
      #[Routine]
      #Claim=\(place)
      #Acknowledge=\(place)=claimed

      """
  }
}
