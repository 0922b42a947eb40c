// Devices room. Functions of VFIO, each of which is a device for every vector that its file asks
// for, once it is open; until then it is one device under the function's own id. Service calls it
// when a function comes, goes or reports, DeviceRegistry at the start and after a reload. Control
// thread; no lock is held.
import DeviceIdentity
import InterruptSync
import UIO
import VFIO

extension ManagedDevice {
  /// Whether it is a function, or a vector of it.
  func isOf(_ function: VFIODeviceInfo) -> Bool {
    info?.function?.pci.address == function.pci.address
  }

  /// Whether it is a vector of the function, present or gone.
  func isVector(of function: VFIODeviceInfo) -> Bool { id.hasPrefix("\(function.stableID)/") }
}

extension DeviceRegistry {
  // MARK: Coming

  /// A function came, or may be opened now.
  func arrived(_ function: VFIODeviceInfo) {
    let whole = ManagedDeviceInfo(function)
    guard let wanted = configuration(for: whole), !disconnected.contains(whole.id),
      devices.contains(where: { $0.isVector(of: function) })
    else { return arrived(whole) }
    let settings = wanted.configuration.settings
    opener.functions.whenOpen(function, settings) { [unowned self] result in
      // A reload came meanwhile.
      guard configuration(for: whole)?.configuration == wanted.configuration else {
        return arrived(function)
      }
      switch result {
      case .success(let opened): expand(function, opened, settings)
      // Tried again with the next event, reload or Connect.
      case .failure(let error): failed(whole, wanted, error)
      }
    }
  }

  /// A function whose vectors are gone could not be opened.
  private func failed(_ info: ManagedDeviceInfo, _ wanted: Wanted, _ error: UIOError) {
    let known = devices.first { $0.id == info.id }
    let device = known ?? made(info.id, info, wanted)
    device.info = info
    device.failure = Failure(error)
    journal.log(LogRecord(Failure(error), event: .deviceFailed, device: device.id))
    if known == nil { devices.append(device) }
    notify(known == nil ? .added : .changed, device)
  }

  /// Replaces a function by its vectors, which keep it open as long as one of them is connected.
  private func expand(
    _ function: VFIODeviceInfo, _ opened: VFIOFunctions.Opened, _ settings: DeviceSettings
  ) {
    if let whole = devices.first(where: { $0.id == function.stableID }) { remove(whole) }
    for vector in settings.vectors.numbers(of: opened.device.vectorCount) {
      arrived(ManagedDeviceInfo(function, opened.device.interrupt, vector))
    }
    withExtendedLifetime(opened) {}
  }

  // MARK: Connecting

  /// Connects a device, a function with all of its vectors, once the function is open.
  /// - Parameter answer: called on the control thread, at once for any other device; gets why it could not be
  ///   connected.
  func connect(_ device: ManagedDevice, then answer: @escaping ((any Error)?) -> Void) {
    guard let info = device.info, let function = info.function, let wanted = device.configuration,
      device.line?.isOpen(for: info) != true
    else { return answer(Self.failure(of: device)) }
    opener.functions.whenOpen(function, wanted.settings) { [unowned self] result in
      switch result {
      case .failure(let error):
        device.failure = Failure(error)
        answer(error)
      case .success(let opened):
        if info.isFunction, devices.contains(where: { $0.isVector(of: function) }) {
          return answer(nil)
        }
        guard devices.contains(where: { $0 === device }), device.info == info else {
          return answer(Self.changed(device))
        }
        guard info.isFunction else { return answer(Self.failure(of: device)) }
        expand(function, opened, wanted.settings)
        answer(nil)
      }
    }
  }

  private static func failure(of device: ManagedDevice) -> (any Error)? {
    do { try device.connect() } catch { return error }
    return nil
  }

  private static func changed(_ device: ManagedDevice) -> UIOError {
    UIOError(
      .busy, device: device.id, operation: "connect",
      cause: "it was removed or reconfigured while its function was being opened",
      hint: "connect it again")
  }

  // MARK: Changing

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
    switch report.event {
    case .opened: opener.functions.finish()
    case .reported(let event):
      journal.log(LogRecord(event, of: report.function))
      // The host waits for the manager's copies as well.
      if case .returned = event { opener.functions.releaseClosed() }
    }
  }
}

extension LogRecord {
  /// What a function of VFIO reports.
  init(_ report: VFIOReport, of function: String) {
    switch report {
    case .returned(let error):
      self.init(
        .notice, "\(error)", event: .deviceRemoved, device: function)
    case .failed(let error):
      self.init(Failure(error), event: .deviceFailed, device: function)
    }
  }
}
