import ArgumentParser
import InterruptSync
import InterruptSyncService
import UIO

/// The options that belong to one device.
struct DeviceArguments: ParsableArguments {
  @Option(help: "Ours when this register is not 0: REGION:OFFSET/WIDTH[&MASK].")
  var claim: [String] = []

  @Option(
    help:
      "Written when ours: REGION:OFFSET/WIDTH=VALUE, VALUE a number or \"claimed\". Repeatable, in order."
  )
  var acknowledge: [String] = []

  @Option(help: "How routines are walked: normal, all or repeat.") var mode: [String] = []

  @Option(help: "How the line is re-armed: auto, irqcontrol, pci-command or none.")
  var rearm: [String] = []

  @Option(help: "SCHED_FIFO priority of the dispatcher, 1 to 99.") var realtime: [Int32] = []

  @Option(help: "Processors the dispatcher may run on: 0,2-3.") var cpus: [String] = []
}
