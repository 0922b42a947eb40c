// Why a device is silent: what the daemon says of it, held against what the kernel shows.
import DeviceInventory
import InterruptSyncClient
import UIO

/// What is known of one device from both sides.
struct DeviceExamination {
  let device: Device
  let statistics: DeviceStatistics?
  /// nil: no UIO device of this machine.
  let line: LineInspection?
  /// The dispatcher's scheduling; nil: not found.
  let dispatcher: ThreadSchedule?

  var findings: [Finding] {
    state + counts + hardware + scheduling
  }

  private func problem(_ text: String, _ hint: String) -> Finding {
    Finding(severity: .problem, subject: device.id, text: text, hint: hint)
  }

  private func warning(_ text: String, _ hint: String) -> Finding {
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
          "the storm brake holds the line: it interrupts faster than StormLimit= allows",
          "a claim or acknowledgement that does not silence the device does that: look at Claim= "
            + "and Acknowledge= in its file")
      ]
    case .listed where device.file == nil:
      return [
        problem(
          "nothing services it: no file is for it, and no client has attached it",
          "write a .device file, interruptsync.device(5), or interruptsyncctl attach")
      ]
    case .listed:
      return [problem("it is disconnected", "interruptsyncctl connect \(device.id)")]
    case .gone:
      return [
        problem("it is not there", "plug it in, or: interruptsyncctl bind \(device.id)")
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
          "the line could not be unmasked \(statistics.rearmFailures) times",
          "the log names the cause: journalctl -u interruptsyncd"))
    }
    if statistics.unclaimed > 0, statistics.claimed == 0 {
      found.append(
        problem(
          "\(statistics.unclaimed) interrupts came and no routine claimed one",
          "Claim= reads another register than the device reports in, or the line is shared and the "
            + "interrupts are another's"))
    } else if statistics.unclaimed > statistics.dispatches / 2 {
      found.append(
        warning(
          "\(statistics.unclaimed) of \(statistics.dispatches) dispatches were not claimed",
          "usual on a shared line; otherwise look at Claim="))
    }
    if statistics.storms > 0, device.state != .storming {
      found.append(
        warning(
          "the storm brake took hold \(statistics.storms) times",
          "an acknowledgement that comes too late does that, or StormLimit= is too low"))
    }
    if device.routines.isEmpty {
      found.append(problem("it is connected without a routine", "give its file a [Routine]"))
    }
    return found
  }

  private var hardware: [Finding] {
    guard let line else { return [] }
    var found: [Finding] = []
    if line.irq == nil, line.info.pci != nil {
      found.append(
        problem(
          "the function has no interrupt", "lspci -v: it needs an interrupt pin, or its driver MSI")
      )
    }
    if line.isMasked == true, device.state == .connected {
      found.append(
        problem(
          "PCI COMMAND masks the line (INTx Disable)"
            + (line.isPending == true ? ", and the device asks for service" : ""),
          "an interrupt that is never acknowledged leaves it so; setpci, or interruptsyncctl "
            + "disconnect and connect, unmask it"))
    }
    if !line.sharers.isEmpty {
      found.append(
        warning(
          "IRQ \(line.irq ?? 0) is shared with \(line.sharers.joined(separator: ", "))",
          "each must claim its own interrupts only; a UIO driver that does not share keeps others "
            + "out"))
    }
    if !line.mayOpen {
      found.append(
        warning(
          "this user may not open \(line.info.path)",
          "the daemon may, by its group; for programs of one's own: usermod -aG uio USER"))
    }
    return found
  }

  private var scheduling: [Finding] {
    guard let dispatcher, dispatcher.priority > 0, let line,
      let thread = line.threads.first(where: { $0.priority <= dispatcher.priority })
    else { return [] }
    return [
      problem(
        "the dispatcher has priority \(dispatcher.priority), and the kernel's thread \(thread.name) "
          + "\(thread.priority): a dispatcher that spins on its processor never sees the interrupt "
          + "(fact 53)",
        "give Priority= below \(thread.priority) in its file, or raise the thread: "
          + "chrt -f -p 90 $(pgrep -f irq/\(line.irq ?? 0)-)")
    ]
  }
}
