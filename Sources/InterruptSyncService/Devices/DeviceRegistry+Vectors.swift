// Devices room. Functions of VFIO, each of which is a device for every vector that its file asks for, once it
// is open; until then it is one device under the function's own id. Control thread; no lock.
import DeviceIdentity
import InterruptSync
import UIO
import VFIO

extension ManagedDevice {
  /// Whether it is a function, or a vector of it.
  func isOf(_ function: VFIODeviceInfo) -> Bool {
    info?.function?.pci.address == function.pci.address
  }
}

extension DeviceRegistry {
  // MARK: Coming

  /// A function came, or may be opened now.
  func arrived(_ function: VFIODeviceInfo) {
    let whole = ManagedDeviceInfo(function)
    guard let wanted = configuration(for: whole), !disconnected.contains(whole.id) else {
      return arrived(whole)
    }
    do throws(UIOError) { try expand(function, wanted.configuration.settings) } catch {
      // Says why, and is tried again with the next event, reload or Connect.
      arrived(whole)
    }
  }

  /// Replaces a function that could not be opened before by its vectors.
  /// - Returns: false: it is not a function.
  /// - Throws: why it cannot be opened.
  func expanded(_ device: ManagedDevice) throws(UIOError) -> Bool {
    guard let info = device.info, info.isFunction, let function = info.function,
      let wanted = device.configuration
    else { return false }
    do throws(UIOError) { try expand(function, wanted.settings) } catch {
      device.failure = Failure(error)
      throw error
    }
    return true
  }

  /// Opens a function and adds its vectors, which keep it open as long as one of them is connected.
  private func expand(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings
  ) throws(UIOError) {
    let opened = try opener.functions.open(function, settings)
    if let whole = devices.first(where: { $0.id == function.stableID }) { remove(whole) }
    for vector in settings.vectors.numbers(of: opened.device.vectorCount) {
      arrived(ManagedDeviceInfo(function, opened.device.interrupt, vector))
    }
    withExtendedLifetime(opened) {}
  }

  // MARK: Changing

  /// Connects a device for a client; a function that could not be opened, with all of its vectors.
  func connect(_ device: ManagedDevice) throws {
    if try expanded(device) { return }
    try device.connect()
  }

  /// Whether the configuration now asks for another kind of interrupt or other vectors.
  func needsOtherVectors(_ device: ManagedDevice, _ function: VFIODeviceInfo) -> Bool {
    let settings = configuration(for: ManagedDeviceInfo(function))?.configuration.settings
    let old = device.configuration?.settings
    return settings?.interrupt != old?.interrupt || settings?.vectors != old?.vectors
  }

  // MARK: Going

  /// udev reported that vfio-pci no longer has a function.
  func removed(_ address: PCIAddress) {
    for device in devices where device.info?.function?.pci.address == address { isAbsent(device) }
  }

  /// What a function reports beside its lines.
  func reported(_ report: FunctionReport) {
    journal.log(LogRecord(report))
    // The host waits for the manager's copies as well.
    if case .returned = report.report { opener.functions.releaseClosed() }
  }
}

extension LogRecord {
  /// What a function of VFIO reports.
  init(_ report: FunctionReport) {
    switch report.report {
    case .returned(let error):
      self.init(
        .notice, "\(error)", event: .deviceRemoved, device: report.function)
    case .failed(let error):
      self.init(Failure(error), event: .deviceFailed, device: report.function)
    }
  }
}
