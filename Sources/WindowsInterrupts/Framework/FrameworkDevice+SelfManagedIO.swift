// Floor 5, room Framework. A device's self-managed I/O (W36): the callbacks by which a driver starts
// and stops what no queue and no interrupt of the framework does. FrameworkDevice+Power calls it on
// the program's thread at PASSIVE_LEVEL, inside a change of the device, which lets one in at a time;
// so there is no lock.
import CWindowsInterrupts
import InterruptSync

extension FrameworkDevice {
  /// At the end of the way up: the first time Init, later Restart.
  func startSelfManagedIO() -> NTSTATUS {
    let status: NTSTATUS
    if selfManagedIO.isInitialized {
      status = call("EvtDeviceSelfManagedIoRestart") {
        unsafe callbacks.EvtDeviceSelfManagedIoRestart?(handle)
      }
    } else {
      selfManagedIO.hasBegun = true
      status = call("EvtDeviceSelfManagedIoInit") {
        unsafe callbacks.EvtDeviceSelfManagedIoInit?(handle)
      }
      selfManagedIO.isInitialized = status >= 0
    }
    selfManagedIO.isRunning = status >= 0
    return status
  }

  /// At the beginning of the way down.
  func suspendSelfManagedIO() -> NTSTATUS {
    guard selfManagedIO.isRunning else { return NTStatus.success.rawValue }
    selfManagedIO.isRunning = false
    return call("EvtDeviceSelfManagedIoSuspend") {
      unsafe callbacks.EvtDeviceSelfManagedIoSuspend?(handle)
    }
  }

  /// Once the device has no hardware any more and will not have it again.
  func flushSelfManagedIO() {
    guard selfManagedIO.hasBegun, !selfManagedIO.isFlushed else { return }
    selfManagedIO.isFlushed = true
    FrameworkCall.run("EvtDeviceSelfManagedIoFlush", at: KIRQL(PASSIVE_LEVEL)) {
      unsafe callbacks.EvtDeviceSelfManagedIoFlush?(handle)
    }
  }

  /// Before the device's objects end.
  func endSelfManagedIO() {
    guard selfManagedIO.hasBegun else { return }
    flushSelfManagedIO()
    FrameworkCall.run("EvtDeviceSelfManagedIoCleanup", at: KIRQL(PASSIVE_LEVEL)) {
      unsafe callbacks.EvtDeviceSelfManagedIoCleanup?(handle)
    }
  }
}
