// Gathers what is to be known of the daemon and of devices, from both sides.
import DeviceInventory
import Glibc
import InterruptSyncClient
import UIO

/// An examination of one device or of everything.
struct Examination {
  private(set) var findings: [Finding] = []
  private(set) var examined: [String] = []

  init(_ device: String?, address: String?) throws(InterruptSyncClientError) {
    let present = UIODeviceInfo.all()
    let client: InterruptSyncClient
    let devices: [Device]
    let statistics: [DeviceStatistics]
    do throws(InterruptSyncClientError) {
      client = try InterruptSyncClient(address: address)
      if let device {
        devices = [try client.describe(device)]
      } else {
        devices = try client.listDevices()
      }
      statistics = try client.statistics()
    } catch {
      guard [.notRunning, .permissionDenied, .disconnected].contains(error.code) else {
        throw error
      }
      findings.append(
        Finding(
          severity: .problem, subject: "interruptsyncd", text: error.cause, hint: error.hint))
      examineKernel(present, device)
      return
    }
    for device in devices.sorted(by: { $0.id < $1.id }) {
      let info = present.first { $0.stableID == device.id }
      let examination = DeviceExamination(
        device: device, statistics: statistics.first { $0.id == device.id },
        line: info.map { LineInspection($0) },
        dispatcher: Self.dispatcher(of: device, client))
      findings += examination.findings
      examined.append(device.id)
    }
    if devices.isEmpty { examineKernel(present, device) }
  }

  /// The dispatcher's thread is named after its device, cut to what the kernel keeps.
  private static func dispatcher(
    of device: Device, _ client: InterruptSyncClient
  ) -> ThreadSchedule? {
    guard let process = client.daemonProcess else { return nil }
    let name = String(device.id.prefix(15))
    return ThreadSchedule.ofProcess(process).first { $0.name == name }
  }

  /// What can be said without the daemon.
  private mutating func examineKernel(_ present: [UIODeviceInfo], _ device: String?) {
    if present.isEmpty {
      findings.append(
        Finding(
          severity: .problem, subject: "kernel",
          text: "there is no UIO device: no UIO driver has one",
          hint: "interruptsyncctl bind PCI-ADDRESS gives one to uio_pci_generic"))
    }
    for info in present where device.map({ $0 == info.stableID || $0 == info.path }) ?? true {
      examined.append(info.stableID)
      let line = LineInspection(info)
      if line.isMasked == true {
        findings.append(
          Finding(
            severity: .warning, subject: info.stableID,
            text: "PCI COMMAND masks the line (INTx Disable)",
            hint: "so it stays until a program services it"))
      }
      if !line.mayOpen {
        findings.append(
          Finding(
            severity: .warning, subject: info.stableID,
            text: "this user may not open \(info.path)", hint: "usermod -aG uio USER"))
      }
    }
  }
}
