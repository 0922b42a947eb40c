// Floor 7. doctor: collects what the daemon reports and what the kernel shows, and lists what
// explains a silent device. Control.swift runs it. It only reads, unless the self-test is asked
// for. DeviceExamination and VFIOExamination judge. On the program's one thread; no lock.
import ArgumentParser
import DeviceIdentity
import DeviceInventory
import InterruptSyncClient
import LinuxSystem
import UIO
import Varlink

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explains why a device is silent, or checks every device.",
    discussion: "Exit status: 0 when there is no problem (there may be warnings), 1 otherwise.")

  @Argument(help: "A device or software line (default: all).", completion: .devices)
  var device: String?

  @Flag(
    help: """
      Have the kernel raise each vector of vfio-pci devices that the daemon services, once: shows \
      that interrupts reach their routines. Needs the role control.
      """)
  var selfTest = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try common.requireLocal("doctor looks at the machine that it runs on")
  }

  func run() throws {
    let examination = try Examination(device, address: common.address, tests: selfTest)
    let findings = examination.findings
    if common.json {
      common.show(["findings": .array(findings.map { .object($0.json) })])
    } else {
      for finding in findings {
        let word = common.style.paint(
          finding.severity.rawValue, finding.severity == .problem ? .red : .yellow)
        Console.out("\(finding.subject): \(word): \(finding.text)\n  hint: \(finding.hint)")
      }
      if findings.isEmpty, !common.quiet {
        let tested = selfTest ? ", vectors tested: \(examination.tested)" : ""
        Console.out(
          "\(counted(examination.examined.count, "device")) checked\(tested), no problems found")
      }
    }
    if findings.contains(where: { $0.severity == .problem }) { throw ExitCode(Failure.failed) }
  }
}

/// An examination of one device or of all.
private struct Examination {
  private(set) var findings: [Finding] = []
  private(set) var examined: [String] = []
  /// Self-tests made.
  private(set) var tested = 0

  init(_ device: String?, address: String?, tests: Bool) throws(InterruptSyncClientError) {
    let present = UIODeviceInfo.all()
    let isolated = VFIODeviceInfo.all().filter { info in device.map(info.isCalled) ?? true }
    examine(isolated)
    let client: InterruptSyncClient
    let devices: [Device]
    let statistics: [DeviceStatistics]
    do throws(InterruptSyncClientError) {
      client = try InterruptSyncClient(address: address)
      if let device, isolated.isEmpty {
        devices = [try client.describe(device)]
      } else {
        devices = try client.listDevices().filter { one in
          device == nil || isolated.contains { one.id.hasPrefix("\($0.stableID)/") }
        }
      }
      statistics = try client.statistics()
    } catch {
      guard [.notRunning, .permissionDenied, .disconnected].contains(error.code) else {
        throw error
      }
      // Its kernel's part is examined, and no device of the daemon's was asked for.
      if device != nil, !isolated.isEmpty, !tests { return }
      add(.problem, "interruptsyncd", error.cause, error.hint)
      examineKernel(present, device, hasOthers: !isolated.isEmpty)
      return
    }
    let machine = MachineInspection.current()
    for device in devices.sorted(by: { $0.id < $1.id }) {
      let info = present.first { $0.stableID == device.id }
      let examination = DeviceExamination(
        device: device, statistics: statistics.first { $0.id == device.id },
        line: info.map { LineInspection($0) },
        dispatcher: Self.dispatcher(of: device, client), machine: machine)
      findings += examination.findings
      examined.append(device.id)
      guard tests, device.isVector, device.isServiced else { continue }
      tested += 1
      findings += SelfTest(device, client).findings
    }
    if tests, tested == 0 {
      add(
        .warning, "interruptsyncd", "it services no vector that could be tested",
        "the self-test is for devices of vfio-pci with a .device file")
    }
    if devices.isEmpty { examineKernel(present, device, hasOthers: !isolated.isEmpty) }
  }

  /// The kernel's part of what VFIO has.
  private mutating func examine(_ isolated: [VFIODeviceInfo]) {
    guard !isolated.isEmpty else { return }
    let machine = VFIOMachine.current()
    // Users without the right to read it go without.
    let log = (try? KernelLog.messages()) ?? []
    for info in isolated {
      findings += VFIOExamination(info, machine: machine, log: log).findings
      examined.append(info.stableID)
    }
  }

  /// The dispatcher's thread has its device's or its group's name, cut to the length that the kernel
  /// keeps; nil where several have what is left of it.
  private static func dispatcher(
    of device: Device, _ client: InterruptSyncClient
  ) -> ThreadSchedule? {
    guard let process = client.daemonProcess else { return nil }
    let name = String((device.thread ?? device.id).prefix(15))
    let named = ThreadSchedule.ofProcess(process).filter { $0.name == name }
    return named.count == 1 ? named[0] : nil
  }

  private mutating func add(
    _ severity: Finding.Severity, _ subject: String, _ text: String, _ hint: String
  ) {
    findings.append(Finding(severity: severity, subject: subject, text: text, hint: hint))
  }

  /// Examines without the daemon.
  /// - Parameter hasOthers: there are devices of VFIO, so that a machine without UIO lacks nothing.
  private mutating func examineKernel(
    _ present: [UIODeviceInfo], _ device: String?, hasOthers: Bool
  ) {
    if present.isEmpty, !hasOthers {
      add(
        .problem, "kernel", "there is no UIO device: no device is bound to a UIO driver",
        "interruptsyncctl list --all shows the devices, interruptsyncctl bind gives one to a UIO driver"
      )
    }
    for info in present where device.map({ $0 == info.stableID || $0 == info.path }) ?? true {
      examined.append(info.stableID)
      let line = LineInspection(info)
      if line.isMasked == true {
        add(
          .warning, info.stableID, "PCI COMMAND masks the line (INTx Disable)",
          "the line stays masked until a program services it")
      }
      if !line.mayOpen {
        add(
          .warning, info.stableID, "this user may not open \(info.path)", "usermod -aG uio USER")
      }
    }
  }
}
