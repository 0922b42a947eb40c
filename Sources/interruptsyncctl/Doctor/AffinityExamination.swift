// Floor 7. Where a device's thread and interrupt are, against the processors that its file asks
// for. Doctor collects a MachineInspection, DeviceExamination asks for the findings. On the
// program's one thread, no lock: pure functions, except that one looks at the machine.
import DeviceInventory
import InterruptSyncClient
import LinuxSystem

/// What the machine shows about processors.
struct MachineInspection: Equatable {
  /// nil: not known.
  var online: Set<Int>?
  /// The process of a running irqbalance.
  var balancer: Int32?

  static func current(sysfs: Sysfs = .system, procfs: Procfs = .system) -> MachineInspection {
    MachineInspection(
      online: sysfs.onlineProcessors, balancer: procfs.process(named: "irqbalance"))
  }
}

extension DeviceExamination {
  var affinities: [Finding] {
    guard device.isServiced else { return [] }
    var found: [Finding] = []
    if let now = dispatcher?.processors, differs(now, device.processors) {
      found.append(
        warning(
          "its thread \(device.thread ?? device.id) runs on processors \(ProcessorList.text(now)), "
            + "and CPUAffinity= asks for \(ProcessorList.text(device.processors))",
          offline(device.processors) ?? "name processors that the cgroup of the daemon allows"))
    }
    if let line, let irq = line.irq, let now = line.processors,
      differs(now, device.interruptProcessors)
    {
      found.append(
        warning(
          "interrupt \(irq) is served on processors \(ProcessorList.text(now)), and "
            + "InterruptCPUAffinity= asks for \(ProcessorList.text(device.interruptProcessors))",
          offline(device.interruptProcessors) ?? balanced(irq)
            ?? "the daemon puts it back within a second, if it runs as root and sees /proc/irq; "
            + "otherwise: echo \(ProcessorList.text(device.interruptProcessors)) "
            + "> /proc/irq/\(irq)/smp_affinity_list"))
    }
    return found
  }

  private func differs(_ now: Set<Int>, _ asked: Set<Int>) -> Bool {
    !asked.isEmpty && now != asked
  }

  private func offline(_ asked: Set<Int>) -> String? {
    guard let online = machine.online, let one = asked.subtracting(online).min() else { return nil }
    return "processor \(one) is offline: echo 1 > /sys/devices/system/cpu/cpu\(one)/online"
  }

  private func balanced(_ irq: Int) -> String? {
    machine.balancer.map {
      "irqbalance (process \($0)) moves interrupts: have it leave this one alone "
        + "(irqbalance --banirq=\(irq)), or stop it"
    }
  }
}
