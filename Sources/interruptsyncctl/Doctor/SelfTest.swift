// Floor 7. Has the kernel raise a vector, and checks whether the interrupt comes out of the daemon.
// Doctor runs it for each serviced vector when asked to. The routines of the device run for it. On
// the program's one thread; no lock.
import InterruptSyncClient

/// One vector's self-test (V27).
struct SelfTest {
  let findings: [Finding]

  init(
    _ device: Device, _ client: InterruptSyncClient, within limit: Duration = .seconds(5)
  ) {
    do throws(InterruptSyncClientError) {
      let ring = try client.subscribe(device.id)
      try client.trigger(device.id)
      _ = try ring.next(timeout: limit)
      findings = []
    } catch {
      findings = [Self.finding(device.id, error)]
    }
  }

  static func finding(_ device: String, _ error: InterruptSyncClientError) -> Finding {
    error.code == .timedOut
      ? Finding(
        severity: .problem, subject: device,
        text: "the kernel raised its interrupt, and no routine was called",
        hint: "journalctl -u interruptsyncd may say why; interruptsyncctl disconnect and connect "
          + "arm the vector again")
      : Finding(
        severity: .problem, subject: device, text: "its self-test failed: \(error.cause)",
        hint: error.hint)
  }
}

extension Device {
  /// Whether it is a vector of a device of vfio-pci.
  var isVector: Bool { id.hasPrefix("pci-") && id.contains("/") }
}
