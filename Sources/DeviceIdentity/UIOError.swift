// What each error number of UIO means, operation by operation, and the shape of such tables, which
// VFIO, GPIO and the memory for devices follow. The numbers in comments are the facts of
// docs/uio.md. Floor 2; UIO and every floor above make errors from it, on any thread outside a
// dispatch; values, no lock. The module re-exports the floors that its callers need: `import UIO`
// is enough for a driver.
@_exported public import DeviceRegisters
import Glibc
@_exported public import LinuxSystem

/// A failure of an operation on a UIO device.
public typealias UIOError = DeviceError

/// An operation of a kernel's interface. The raw value is the operation in the error's sentence.
package protocol DeviceOperation: RawRepresentable<String>, Sendable {
  typealias Meaning = (code: DeviceError.Code, cause: String, hint: String)

  /// What an error number of this operation means.
  func meaning(_ number: Int32) -> Meaning
}

extension DeviceOperation {
  package func error(_ number: Int32, device: String) -> DeviceError {
    error(meaning(number), number, device: device)
  }

  /// An error whose meaning the number alone does not tell.
  package func error(_ meaning: Meaning, _ number: Int32, device: String) -> DeviceError {
    DeviceError(
      meaning.code, device: device, operation: rawValue, cause: meaning.cause, hint: meaning.hint,
      errno: number)
  }

  package static var bugHint: String { "report it as a bug of the library" }
  package static var limitHint: String { "raise the limit (systemd: LimitNOFILE=, LimitMEMLOCK=)" }
}

/// An operation of UIO, with the meaning of each error number it can answer.
package enum UIOOperation: String, CaseIterable, DeviceOperation {
  case open = "open"
  case read = "read the interrupt count"
  case irqControl = "re-arm by irqcontrol"
  case openConfiguration = "open the PCI configuration space"
  case configuration = "access the PCI configuration space"
  case map = "map memory"
  case openResource = "open the PCI BAR"
  case mapResource = "map the PCI BAR"
  case port = "access the I/O BAR"
  case attribute = "read sysfs"

  private static let groupHint =
    "run as a member of the device's group (udev rule: SUBSYSTEM==\"uio\", GROUP=\"uio\", MODE=\"0660\") or as root"
  private static let pciHint =
    "PCI files in sysfs belong to root: run as root, or let a udev rule give them to the group uio; "
    + "under kernel lockdown (Secure Boot) they stay closed to everyone"
  private static let authorHint = "report it to the driver's author"
  private static let gone: Meaning = (
    .removed, "the device was unbound or removed", "open it again by its stable id once it is back"
  )
  private static let absent: Meaning = (
    .notFound, "there is no such device",
    "ls /sys/class/uio lists the devices; a PCI function needs a UIO driver bound to it"
  )

  package func meaning(_ number: Int32) -> Meaning { specific(number) ?? general(number) }

  private func specific(_ number: Int32) -> Meaning? {
    switch (self, number) {
    case (.open, ENODEV), (.open, ENOENT), (.open, ENXIO): Self.absent  // 1
    // A path that a person typed.
    case (.open, ENOTDIR), (.open, ELOOP), (.open, ENAMETOOLONG): Self.absent
    case (.open, EINVAL): Self.gone  // 1
    case (.open, EBUSY):
      (.busy, "its driver refuses another open", "close it in the other program")  // 1
    case (.read, EIO): Self.gone  // 13
    case (.read, EPIPE):
      (.removed, "the writing end was closed", "open the line again once its writer is back")
    case (.read, EBADMSG), (.read, EINVAL):  // 7
      (.driverFailed, "the answer is not an interrupt count of 4 bytes", Self.authorHint)
    case (.irqControl, EINVAL), (.irqControl, ENODEV): Self.gone  // 16
    case (.irqControl, EIO):  // 16
      (.noInterrupt, "the device has no interrupt", Self.interruptHint)
    case (.irqControl, ENOSYS):
      (
        .rearmUnsupported, "its driver has no irqcontrol",
        "use the automatic strategy, or choose PCI COMMAND for a PCI function"
      )  // 17
    case (.irqControl, EBADF):
      (.readOnly, "the descriptor is not open for writing", "open the device with O_RDWR")  // 19
    case (.irqControl, EPROTO):
      (
        .driverFailed, "its driver returned a length other than 4", Self.authorHint
      )  // 18
    case (.irqControl, _):
      (.driverFailed, "its driver refused to re-arm", "the kernel's log may say why")  // 18
    case (.openConfiguration, ENOENT):
      (.rearmUnsupported, "it is not a PCI function", "choose irqcontrol or none")
    case (.configuration, ENODEV), (.configuration, EIO): Self.gone  // 28
    case (.port, ENODEV), (.port, EIO): Self.gone  // 28
    case (.map, EINVAL):
      (.removed, "the device was unbound or removed, or its map is gone", Self.gone.hint)  // 28, 34
    case (.map, ENODEV), (.map, ENXIO):
      (
        .unmappable,
        "its driver describes an address that is not page-aligned, or a map without mmap",
        "use the PCI BAR, or have the driver round addr down and set offs"
      )  // 35
    case (.openResource, ENOENT):
      (
        .noSuchRegion, "the function has no such BAR",
        "the file resource in its sysfs folder lists them"
      )
    case (.mapResource, EINVAL):  // 40
      (.busy, "a kernel driver holds the region exclusively", "unbind it; /proc/iomem names it")
    case (.port, EINVAL):
      (
        .misaligned, "the BAR does not accept an access of this width or offset",
        "use 1, 2 or 4 bytes at an offset that is a multiple of the width"
      )
    case (.attribute, ENOENT), (.attribute, ENODEV), (.attribute, EINVAL): Self.gone  // 37
    default: nil
    }
  }

  private func general(_ number: Int32) -> Meaning {
    switch number {
    case EACCES, EPERM:
      (.permissionDenied, "permission denied", isPCI ? Self.pciHint : Self.groupHint)  // 4
    case EROFS:
      (
        .readOnly, "sysfs is mounted read-only here",
        "systemd: ProtectKernelTunables= needs ReadWritePaths=/sys/devices beside it"
      )
    case EMFILE, ENFILE: (.resourcesExhausted, "too many open files", Self.limitHint)
    case ENOMEM, EAGAIN: (.resourcesExhausted, "out of memory or of locked memory", Self.limitHint)
    case ENODEV, ENOENT, ENXIO: Self.gone
    case EFAULT: (.unexpected, "bad address", Self.bugHint)  // 12: the event is not consumed
    default:
      if self == .open {
        (.driverFailed, "its driver's open hook refused", "the kernel's log may say why")  // 1
      } else {
        (
          .unexpected, "the kernel returned an error that UIO does not document",
          "the kernel's log may say why"
        )
      }
    }
  }

  private var isPCI: Bool {
    self == .openConfiguration || self == .configuration || self == .openResource || self == .port
      || self == .mapResource
  }

  package static let interruptHint =
    "the driver found none: check the device tree or board file; a PCI function without INTx (MSI only, or a VF) "
    + "cannot interrupt through uio_pci_generic"
}
