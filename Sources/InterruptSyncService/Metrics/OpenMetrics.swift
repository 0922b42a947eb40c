// Metrics room. A snapshot of the devices in the text form of OpenMetrics 1.0: what the text file
// and `GetMetrics` contain. MetricsFile and ClientService+Devices call it on the control thread. A
// pure function of its snapshot; no lock.
import InterruptSync

/// Writes metrics of devices.
enum OpenMetrics {
  private struct Family: Sendable {
    let name: String
    let type: String
    let unit: String?
    let help: String
    let value: @Sendable (InterruptStatistics) -> String
  }

  private static func counter(
    _ name: String, _ help: String, _ field: @escaping @Sendable (InterruptStatistics) -> UInt64
  ) -> Family {
    Family(name: name, type: "counter", unit: nil, help: help) { "\(field($0))" }
  }

  private static func seconds(
    _ name: String, _ help: String, _ field: @escaping @Sendable (InterruptStatistics) -> UInt64
  ) -> Family {
    Family(name: name, type: "gauge", unit: "seconds", help: help) { decimal(field($0)) }
  }

  private static let families = [
    counter("interruptsync_interrupts", "Interrupts that the kernel counted.", \.interrupts),
    counter("interruptsync_dispatches", "Times the service routines ran.", \.dispatches),
    counter(
      "interruptsync_coalesced", "Interrupts that shared a dispatch with another.", \.coalesced),
    counter("interruptsync_claimed", "Dispatches that a routine claimed.", \.claimed),
    counter("interruptsync_unclaimed", "Dispatches that no routine claimed.", \.unclaimed),
    counter("interruptsync_passes", "Walks of the list of routines.", \.passes),
    counter("interruptsync_rearm_failures", "Re-arms that failed.", \.rearmFailures),
    counter("interruptsync_storms", "Storms that the brake stopped.", \.storms),
    counter(
      "interruptsync_claimed_storms", "Storms whose routines claimed.", \.claimedStorms),
    counter(
      "interruptsync_synchronized_calls", "Synchronized routines, including transactions.",
      \.synchronizedCalls),
    seconds(
      "interruptsync_longest_hold_seconds", "Longest time that a dispatch held the lock.",
      \.longestHoldNanoseconds),
    seconds(
      "interruptsync_longest_wait_seconds", "Longest wait for the lock.",
      \.longestWaitNanoseconds),
  ]

  static func text(_ devices: [DeviceSnapshot]) -> String {
    let samples = devices.map { (label($0.id), $0.statistics) }
    var lines: [String] = []
    for family in families {
      lines.append("# TYPE \(family.name) \(family.type)")
      if let unit = family.unit { lines.append("# UNIT \(family.name) \(unit)") }
      lines.append("# HELP \(family.name) \(family.help)")
      let suffix = family.type == "counter" ? "_total" : ""
      for (label, statistics) in samples {
        lines.append("\(family.name)\(suffix){device=\"\(label)\"} \(family.value(statistics))")
      }
    }
    lines.append("# TYPE interruptsync_routine_calls counter")
    lines.append("# HELP interruptsync_routine_calls Calls of a service routine.")
    lines += routines(devices) { ("calls", $0.calls) }
    lines.append("# TYPE interruptsync_routine_claims counter")
    lines.append("# HELP interruptsync_routine_claims Interrupts that a service routine claimed.")
    lines += routines(devices) { ("claims", $0.claims) }
    lines.append("# TYPE interruptsync_state gauge")
    lines.append(
      "# HELP interruptsync_state 1 for the state that the device is in, 0 for the others.")
    for device in devices {
      for state in ManagedDevice.State.allCases {
        lines.append(
          "interruptsync_state{device=\"\(label(device.id))\",state=\"\(state.rawValue)\"} "
            + (device.state == state ? "1" : "0"))
      }
    }
    // Not of OpenMetrics' type "info": the node exporter rejects a whole file for a type that
    // Prometheus' older text form lacks.
    lines.append("# TYPE interruptsync_device_info gauge")
    lines.append("# HELP interruptsync_device_info The device, its driver and its state.")
    for device in devices {
      lines.append(
        "interruptsync_device_info{device=\"\(label(device.id))\",name=\"\(label(device.name))\","
          + "driver=\"\(label(device.driver))\",state=\"\(device.state.rawValue)\"} 1")
    }
    lines += HistogramMetrics.lines(devices.map { (label($0.id), $0) })
    lines.append("# EOF")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func routines(
    _ devices: [DeviceSnapshot], _ figure: (ServiceRoutineStatistics) -> (String, UInt64)
  ) -> [String] {
    devices.flatMap { device in
      zip(device.routines, device.statistics.routines).map { routine, counts in
        let (name, value) = figure(counts)
        return "interruptsync_routine_\(name)_total{device=\"\(label(device.id))\","
          + "routine=\"\(label(routine))\"} \(value)"
      }
    }
  }

  /// Nanoseconds as seconds.
  static func decimal(_ nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000)
    return "\(nanoseconds / 1_000_000_000)."
      + String(repeating: "0", count: 9 - fraction.count) + fraction
  }

  private static func label(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}
