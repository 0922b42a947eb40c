// What each error number of VFIO means, operation by operation. IOMMUGroup, DMASpace, VFIOVectors,
// VFIODevice and VFIOLine make their errors from it. Numbers in comments are those of docs/vfio.md.
// Floor 3; values, for any thread outside a dispatch, without a lock.
package import DeviceIdentity
import Glibc
import LinuxSystem

/// An operation of VFIO, with the meaning of each error number it can answer.
package enum VFIOOperation: String, CaseIterable, DeviceOperation {
  case openContainer = "open /dev/vfio/vfio"
  case openGroup = "open the IOMMU group"
  case checkGroup = "check the IOMMU group"
  case join = "put the IOMMU group into a container"
  case useIOMMU = "set the IOMMU of the container"
  case openDevice = "open the device in its IOMMU group"
  case describe = "describe the device"
  case region = "map the region"
  case access = "access the region"
  case configuration = "access the PCI configuration space"
  case arm = "arm the interrupt"
  case mask = "mask the interrupt"
  case trigger = "trigger the interrupt"
  case reset = "reset the device"
  case mapMemory = "map memory for the device"

  private static let groupHint =
    "the node /dev/vfio/N of the device's IOMMU group belongs to root: run as root, or let a udev rule "
    + "give that node to your group"
  private static let modulesHint = "load the modules: modprobe vfio-pci vfio_iommu_type1"
  private static let gone: Meaning = (
    .removed, "the device was unbound, removed or given back to the host",
    "open it again by its stable id once vfio-pci has it again"
  )

  package func meaning(_ number: Int32) -> Meaning { specific(number) ?? general(number) }

  private func specific(_ number: Int32) -> Meaning? {
    switch (self, number) {
    case (.openContainer, ENOENT), (.openContainer, ENODEV), (.openContainer, ENXIO):
      (.notFound, "the kernel has no VFIO loaded", Self.modulesHint)
    case (.openGroup, ENOENT), (.openGroup, ENODEV), (.openGroup, ENXIO):
      (.notFound, "no device of the group has a vfio driver", "bind the device to vfio-pci")
    case (.openGroup, EBUSY):  // V8
      (
        .busy, "another process has the device's IOMMU group open",
        "only one process can have a group open: close it there, or use its other devices in that process, too"
      )
    case (.checkGroup, EBUSY): IOMMUGroupInfo.sharing(with: [])
    case (.join, EBUSY):
      (.busy, "the IOMMU group is in a container of another process", "close it there")
    case (.useIOMMU, EPERM): IOMMUGroupInfo.withoutRemapping  // V6
    case (.useIOMMU, ENODEV):  // V7
      (.notFound, "the module vfio_iommu_type1 is not loaded", Self.modulesHint)
    case (.openDevice, ENODEV):
      (
        .notFound, "the group has no such device with a vfio driver", "bind the device to vfio-pci"
      )
    case (.openDevice, EBUSY): (.busy, "another user has the device open", "close it there")
    case (.openDevice, EAGAIN), (.reset, EAGAIN):  // V38
      (.busy, "the kernel is resetting the device, or binding or removing it", "try again")
    case (.arm, ENOSPC):
      (.resourcesExhausted, "the machine has no interrupt vectors left", "connect fewer vectors")
    case (.arm, EINVAL):
      (
        .noInterrupt, "the device has no such vector, or another kind of interrupt is enabled",
        "the device's information lists its kinds of interrupt and their vectors"
      )
    case (.mask, ENOTTY):
      (
        .unsupported, "messages cannot be masked", "mask them in the device's own registers"
      )  // V17
    case (.trigger, EINVAL): (.noInterrupt, "the vector is not armed", "connect it first")  // V27
    case (.reset, EINVAL), (.reset, ENOTTY):  // V9
      (
        .unsupported, "the function has no reset of its own",
        "reset it through its registers, as its data sheet says"
      )
    case (.region, EINVAL), (.region, ENODEV):
      (
        .unmappable, "the region cannot be mapped", "read and write it without a mapping"
      )
    case (.access, EIO), (.configuration, EIO):  // V31
      (
        .removed, "the device does not answer: it is gone, asleep, or its memory is off",
        "open it again once it is back; lspci -vv shows its power state and whether its memory is on"
      )
    case (.access, EINVAL):
      (
        .outOfBounds, "the region does not take an access of this width or offset",
        "use 1, 2 or 4 bytes at an offset that is a multiple of the width, within the region"
      )
    case (.mapMemory, ENOMEM):  // V34
      (
        .resourcesExhausted, "out of memory, or beyond the limit of locked memory",
        "raise the limit (ulimit -l; systemd: LimitMEMLOCK=), or give the process CAP_IPC_LOCK"
      )
    case (.mapMemory, ENOSPC):
      (
        .resourcesExhausted, "the IOMMU has no mappings left",
        "make fewer and larger buffers, or raise dma_entry_limit of vfio_iommu_type1"
      )
    // The file that takes a returned device's place.
    case (.describe, ENOTTY), (.arm, ENOTTY), (.mapMemory, ENOTTY): Self.gone
    case (.access, ESPIPE), (.configuration, ESPIPE): Self.gone
    default: nil
    }
  }

  private func general(_ number: Int32) -> Meaning {
    switch number {
    case EACCES, EPERM: (.permissionDenied, "permission denied", Self.groupHint)  // V39
    case EMFILE, ENFILE: (.resourcesExhausted, "too many open files", Self.limitHint)
    case ENOMEM, EAGAIN: (.resourcesExhausted, "out of memory or of locked memory", Self.limitHint)
    case ENODEV, ENOENT, ENXIO: Self.gone
    case EINVAL, ENOTTY, EBADF, EFAULT, EBADFD:
      (.unexpected, "the kernel refuses the call's arguments", Self.bugHint)
    default:
      (
        .unexpected, "the kernel returned an error that VFIO does not document",
        "the kernel's log may say why"
      )
    }
  }
}
