import CUIO
package import DeviceRegisters
import Glibc
package import LinuxSystem

extension LivenessGate {
  /// A gate that asks the kernel about an open UIO node.
  ///
  /// - Parameters:
  ///   - hasInterrupt: poll(2) always reports a device without interrupt as in error (fact 21), so
  ///     the gate asks it through irqcontrol instead.
  ///   - nanoseconds: how long an answer of the kernel is believed.
  package convenience init(
    device: FileDescriptor, hasInterrupt: Bool, for nanoseconds: UInt64 = 10_000_000
  ) {
    self.init(for: nanoseconds) {
      hasInterrupt ? !Self.isDead(device.raw) : Self.answersWithoutInterrupt(device)
    }
  }

  package static func isDead(_ fd: Int32) -> Bool {
    let result = cuio_wait(fd, -1, 0, true)
    return result > 0 && result & Int32(CUIO_WAIT_DEAD) != 0
  }

  // irqcontrol looks at the device and its interrupt first: torn down EINVAL, no interrupt EIO
  // (fact 16).
  package static func answersWithoutInterrupt(_ device: FileDescriptor) -> Bool {
    device.irqControl(0) == -EIO
  }
}

extension RegisterRegion {
  /// An I/O BAR of a UIO device, reached through its sysfs file.
  package convenience init(
    name: String, port file: FileDescriptor, size: Int, gate: LivenessGate
  ) {
    self.init(name: name, port: file, size: size, gate: gate) {
      UIOOperation.port.error($0, device: name)
    }
  }
}
