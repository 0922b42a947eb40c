// Floor 7. Why one device is silent: compares what the daemon reports with what the kernel shows.
// Doctor makes one for each device and prints its findings, on the program's one thread; no lock.
// Pure functions of values that Doctor collected, so that tests can judge any state.
import DeviceInventory
import InterruptSyncClient
import LinuxSystem
import UIO
import Varlink

/// One device as the daemon and the kernel see it.
struct DeviceExamination {
  let device: Device
  let statistics: DeviceStatistics?
  /// nil: not a UIO device of this machine.
  let line: LineInspection?
  /// The dispatcher's scheduling; nil: not found.
  let dispatcher: ThreadSchedule?
  var machine = MachineInspection()

  var findings: [Finding] {
    state + counts + hardware + scheduling + affinities
  }

  private func problem(_ text: String, _ hint: String) -> Finding {
    Finding(severity: .problem, subject: device.id, text: text, hint: hint)
  }

  func warning(_ text: String, _ hint: String) -> Finding {
    Finding(severity: .warning, subject: device.id, text: text, hint: hint)
  }

  private var state: [Finding] {
    switch device.state {
    case .failed:
      return [
        problem(
          "it should be serviced and is not: \(device.failure ?? "the daemon gives no reason")",
          device.failureHint ?? "run interruptsyncctl reload once that is fixed")
      ]
    case .storming:
      return [
        problem(
          "the storm brake masks the line: it interrupts without end",
          "a claim or acknowledgement that does not silence the device causes this: check Claim= and "
            + "Acknowledge= in its file")
      ]
    case .listed where device.file == nil:
      return [
        problem(
          "not configured: no .device file matches, and no client has attached it",
          "interruptsyncctl edit \(device.id) writes one; interruptsyncctl attach does without")
      ]
    case .listed:
      return [problem("it is disconnected", "interruptsyncctl connect \(device.id)")]
    case .gone:
      return [
        problem("the device was removed", "plug it in, or run interruptsyncctl bind \(device.id)")
      ]
    case .connected, .attached, .unknown: return []
    }
  }

  private var counts: [Finding] {
    guard let statistics, device.isServiced else { return [] }
    var found: [Finding] = []
    if statistics.rearmFailures > 0 {
      found.append(
        problem(
          "unmasking the line failed \(counted(statistics.rearmFailures, "time"))",
          "the journal shows the cause: journalctl -u interruptsyncd"))
    }
    if statistics.unclaimed > 0, statistics.claimed == 0 {
      found.append(
        problem(
          "\(counted(statistics.unclaimed, "interrupt")) came, but no routine claimed any",
          "check that Claim= reads the register in which the device reports interrupts; on a shared "
            + "line another device may raise them"))
    } else if statistics.unclaimed > statistics.dispatches / 2 {
      found.append(
        warning(
          "\(statistics.unclaimed) of \(statistics.dispatches) dispatches were not claimed",
          "normal on a shared line; otherwise check Claim="))
    }
    if statistics.storms > 0, device.state != .storming {
      found.append(
        warning(
          "the storm brake masked the line \(counted(statistics.storms, "time"))",
          statistics.claimedStorms > 0
            ? "no routine silences the device: check Acknowledge=; for a device that is worth a "
              + "processor, write StormShare=0"
            : "either the acknowledgement comes too late, or StormLimit= is too low"))
    }
    for routine in device.unsilenced {
      found.append(
        warning(
          "the routine \(routine) claims on a level-triggered line and acknowledges nothing",
          "add Acknowledge= to it, unless reading a register silences the device"))
    }
    if device.routines.isEmpty {
      found.append(problem("it is connected without a routine", "add a [Routine] to its file"))
    }
    return found
  }

  private var hardware: [Finding] {
    guard let line else { return [] }
    var found: [Finding] = []
    if line.irq == nil, line.info.pci != nil {
      found.append(
        problem(
          "the function has no interrupt",
          "check lspci -v: it needs an interrupt pin, or MSI from its driver"))
    }
    if line.isMasked == true, device.state == .connected {
      found.append(
        problem(
          "PCI COMMAND masks the line (INTx Disable)"
            + (line.isPending == true ? ", and the device asserts its interrupt" : ""),
          "an interrupt that is never acknowledged leaves the line masked; to unmask it, run "
            + "interruptsyncctl disconnect and connect, or setpci"))
    }
    if !line.sharers.isEmpty {
      found.append(
        warning(
          "IRQ \(line.irq ?? 0) is shared with \(line.sharers.joined(separator: ", "))",
          "each driver must claim only its own device's interrupts; a UIO driver that does not share "
            + "the line locks the others out"))
    }
    if !line.mayOpen {
      found.append(
        warning(
          "this user may not open \(line.info.path)",
          "the daemon may, through its group; for your own programs: usermod -aG uio USER"))
    }
    return found
  }

  private var scheduling: [Finding] {
    guard let dispatcher, dispatcher.priority > 0, let line,
      let thread = line.threads.first(where: { $0.priority <= dispatcher.priority })
    else { return [] }
    return [
      problem(
        "the dispatcher has priority \(dispatcher.priority), the kernel's thread \(thread.name) "
          + "has \(thread.priority): a dispatcher that spins on that thread's CPU never sees the "
          + "interrupt (fact 53)",
        "set Priority= below \(thread.priority) in its file, or raise the thread: "
          + "chrt -f -p 90 $(pgrep -f irq/\(line.irq ?? 0)-)")
    ]
  }
}

/// Something that explains why a device is silent, or soon will be.
struct Finding: Equatable {
  enum Severity: String {
    /// The device cannot work like this.
    case problem
    /// It works, but may not always.
    case warning
  }

  let severity: Severity
  /// A device, or the daemon.
  let subject: String
  let text: String
  /// What to do.
  let hint: String

  var json: JSONObject {
    [
      "severity": .string(severity.rawValue), "subject": .string(subject), "text": .string(text),
      "hint": .string(hint),
    ]
  }
}
