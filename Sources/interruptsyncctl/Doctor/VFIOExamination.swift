// Floor 7. Why a device behind VFIO could not be opened, or is silent: its IOMMU group, its node,
// its configuration space and what its IOMMU has stopped, as the kernel shows them. Doctor makes
// one for each such device, on the program's one thread; no lock. The findings are pure functions
// of collected values, so that tests can judge any state.
import DeviceIdentity
import DeviceInventory
import Glibc
import LinuxSystem

/// One device of a VFIO driver.
struct VFIOExamination {
  let info: VFIODeviceInfo
  /// What this user may do with the node of its group.
  let access: NodeAccess
  /// A program has interrupts of it, and it is not a bus master: no message of its arrives (V20).
  var isMuted = false
  /// Accesses to memory that its IOMMU refused.
  var faults: IOMMUFaults?
  var machine = VFIOMachine()

  var findings: [Finding] { opening + working }

  private var opening: [Finding] {
    guard let group = info.group, let path = info.path else {
      return [problem(IOMMUGroupInfo.absence)]
    }
    if !machine.remapsInterrupts { return [problem(IOMMUGroupInfo.withoutRemapping)] }
    let others = info.hostsMembers
    if !others.isEmpty { return [problem(IOMMUGroupInfo.sharing(with: others))] }
    switch access {
    case .allowed: return memory
    case .denied:
      return [
        finding(
          .warning, "this user may not open \(path), the node of IOMMU group \(group.number)",
          "run as root, or let a udev rule give that node to your group")
      ]
    case .absent:
      return [
        finding(
          .problem, "there is no \(path), the node of IOMMU group \(group.number)",
          "load the modules: modprobe vfio-pci vfio_iommu_type1; a container must be given the node"
        )
      ]
    }
  }

  /// For DMA buffers; interrupts and registers need none (V34).
  private var memory: [Finding] {
    guard let most = machine.lockable, most < VFIOMachine.enough else { return [] }
    return [
      finding(
        .warning,
        "this user may lock \(most / 1024) KiB of memory, and the kernel refuses more to DMA buffers",
        "raise the limit: ulimit -l for a shell, LimitMEMLOCK= for a service")
    ]
  }

  private var working: [Finding] {
    var found: [Finding] = []
    if isMuted {
      found.append(
        finding(
          .problem, "its interrupts are in use and bus mastering is off: no message arrives (V20)",
          "a reset turns it off: the driver must turn it on again, or connect again"))
    }
    if let faults, faults.count > 0 {
      let times = faults.count == 1 ? "once" : "\(faults.count) times"
      found.append(
        finding(
          .warning,
          "its IOMMU stopped it \(times), most recently \(faults.time.components.seconds) s "
            + "after the machine started: \(faults.last)",
          "the driver gave it an address outside its DMA buffers, or in one that it had released"))
    }
    return found
  }

  private func problem(_ meaning: DeviceOperation.Meaning) -> Finding {
    finding(.problem, meaning.cause, meaning.hint)
  }

  private func finding(_ severity: Finding.Severity, _ text: String, _ hint: String) -> Finding {
    Finding(severity: severity, subject: info.stableID, text: text, hint: hint)
  }
}

extension VFIOExamination {
  /// Looks at a device of this machine.
  /// - Parameter log: the kernel's, empty for a user who may not read it.
  init(
    _ info: VFIODeviceInfo, machine: VFIOMachine, log: [KernelMessage], sysfs: Sysfs = .system,
    procfs: Procfs = .system
  ) {
    self.info = info
    access = info.path.map { NodeAccess($0) } ?? .absent
    let configuration =
      (try? FileDescriptor.contents("\(sysfs.root)/bus/pci/devices/\(info.pci.address)/config"))
      ?? []
    // COMMAND bit 2. A bracket: vectors alone are numbered, and INTx needs no bus mastering.
    isMuted =
      configuration.count >= 6 && configuration[4] & 0x04 == 0
      && procfs.hasInterrupts(requestedByNamesWith: "](\(info.pci.address))")
    faults = IOMMUFaults(of: info.pci.address, in: log)
    self.machine = machine
  }
}

/// The state of a machine that every device of VFIO shares.
struct VFIOMachine: Equatable {
  /// Bytes below which the limit of locked memory is worth a word.
  static let enough: UInt64 = 1 << 20

  /// Or VFIO was told to do without.
  var remapsInterrupts = true
  /// Bytes that this user may lock; nil: without limit.
  var lockable: UInt64?

  static func current(sysfs: Sysfs = .system, procfs: Procfs = .system) -> VFIOMachine {
    let path = "\(sysfs.root)/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
    let doesWithout = (try? sysfs.text(path)) == "Y"
    var limit = rlimit()
    let isLimited =
      unsafe geteuid() != 0
      && getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0
      && limit.rlim_cur != .max
    return VFIOMachine(
      remapsInterrupts: doesWithout || procfs.remapsInterrupts ?? true,
      lockable: isLimited ? UInt64(limit.rlim_cur) : nil)
  }
}
