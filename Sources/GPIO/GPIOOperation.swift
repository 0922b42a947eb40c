// What each error number of the GPIO character device means, operation by operation. GPIOChip and
// GPIOLine make their errors from it. Numbers in comments are those of docs/gpio.md. Floor 3;
// values, for any thread outside a dispatch, without a lock.
package import DeviceIdentity
import Glibc
import LinuxSystem

/// An operation of GPIO, with the meaning of each error number it can answer.
package enum GPIOOperation: String, CaseIterable, DeviceOperation {
  case open = "open the GPIO chip"
  case describeChip = "describe the GPIO chip"
  case describeLine = "describe the GPIO line"
  case request = "request the GPIO line"
  case read = "read the edges"
  case unmask = "switch the edges on"
  case mask = "switch the edges off"
  case value = "read the level"

  private static let absent: Meaning = (
    .notFound, "there is no such GPIO chip",
    "ls /sys/bus/gpio/devices lists the chips; give the name of one, its node or its label"
  )
  private static let gone: Meaning = (
    .removed, "the GPIO chip was unbound or removed", "open it again once it is back"
  )
  private static let withoutInterrupt: Meaning = (
    .noInterrupt, "the line cannot interrupt",
    "its chip has no interrupts, or another driver has this one; poll the level, or take another line"
  )
  package static let interruptTaken: Meaning = (
    .busy, "another driver has the line's interrupt", "stop it; /proc/interrupts names it"
  )
  private static let tooOld: Meaning = (
    .unsupported, "the kernel has no version 2 of the GPIO interface",
    "use Linux 5.10 or later"
  )

  package func meaning(_ number: Int32) -> Meaning { specific(number) ?? general(number) }

  private func specific(_ number: Int32) -> Meaning? {
    switch (self, number) {
    case (.open, ENOENT), (.open, ENODEV), (.open, ENXIO), (.open, ENOTDIR), (.open, ELOOP),
      (.open, ENAMETOOLONG):
      Self.absent
    case (.open, EACCES), (.open, EPERM):  // G3
      (
        .permissionDenied, "permission denied",
        "GPIO chips belong to root: run as root, or let a udev rule give the chip to your group "
          + "(SUBSYSTEM==\"gpio\", KERNEL==\"gpiochip*\", GROUP=\"gpio\", MODE=\"0660\")"
      )
    case (.describeChip, ENOTTY), (.describeChip, EINVAL):
      (.malformed, "it is no GPIO chip", Self.absent.hint)
    case (.describeLine, EINVAL), (.describeLine, ENOTTY): Self.tooOld  // G1
    case (.request, EBUSY):  // G6
      (.busy, "the line is used", "stop what uses it; gpioinfo shows it")
    case (.request, ENXIO), (.unmask, ENXIO): Self.withoutInterrupt  // G8
    case (.unmask, EBUSY): Self.interruptTaken  // G8
    case (.request, EOPNOTSUPP), (.request, ENOTSUP), (.unmask, EOPNOTSUPP):  // G9
      (
        .unsupported, "the kernel or the chip has no such clock, bias or debouncing",
        "use the monotonic clock, and leave the bias as it is"
      )
    case (.request, EINVAL):  // G9
      (
        .unsupported, "the kernel or the chip refuses the line or these settings",
        "the machine may keep the line for itself, or the chip may support only one kind of edge; "
          + "the realtime clock needs Linux 5.11"
      )
    case (.read, EBADMSG):
      (
        .driverFailed, "the answer is not a record of 48 bytes", Self.bugHint
      )  // G2
    case (.read, EPIPE): Self.gone
    default: nil
    }
  }

  private func general(_ number: Int32) -> Meaning {
    switch number {
    case EACCES, EPERM: (.permissionDenied, "permission denied", "run as root")
    case EMFILE, ENFILE: (.resourcesExhausted, "too many open files", Self.limitHint)
    case ENOMEM, EAGAIN: (.resourcesExhausted, "out of memory", Self.limitHint)
    case ENODEV, ENOENT, ENXIO: Self.gone  // G10
    case EINVAL, ENOTTY, EBADF, EFAULT:
      (.unexpected, "the kernel refuses the call's arguments", Self.bugHint)
    default:
      (
        .driverFailed, "the chip's driver answered with an error of its own",
        "the kernel's log may say why"
      )
    }
  }
}
