// Floor 5. interruptsync/process.h and the version: what concerns the process or the calling
// thread. Programs in C call it on any thread: level, version and last error at any level, the rest
// at PASSIVE. Devices.swift, GPIOLines.swift and VFIODevices.swift read `Roots`, which a monitor
// guards; no interrupt lock is held.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
import CInterruptSync
import CUIO
import Glibc
import InterruptSync
import UIO

/// Where the library looks for devices. A monitor guards it.
enum Roots {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var current = Sysfs.system

  static var sysfs: Sysfs {
    get { monitor.locked { unsafe current } }
    set { monitor.locked { unsafe current = newValue } }
  }
}

private let version: StaticString = "0.1.0"

@c @implementation
public func interruptsync_version() -> UnsafePointer<CChar>! {
  unsafe UnsafeRawPointer(version.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func interruptsync_version_number() -> UInt32 {
  UInt32(
    INTERRUPTSYNC_VERSION_MAJOR * 10000 + INTERRUPTSYNC_VERSION_MINOR * 100
      + INTERRUPTSYNC_VERSION_PATCH)
}

@c @implementation
public func interruptsync_last_error() -> UnsafePointer<CChar>! { unsafe handle_get_error() }

@c @implementation
public func interruptsync_level() -> Int32 { cuio_thread_level() }

@c @implementation
public func interruptsync_set_checked(_ on: Bool) -> Int32 {
  Verifier.isChecked = on
  return 0
}

@c @implementation
public func interruptsync_lock_memory() -> Int32 {
  let result = linux_lock_memory()
  guard result != 0 else { return 0 }
  return fail(
    -result,
    "lock the memory: the system refused (\(Errno.name(-result)))\n"
      + "  hint: raise the limit (systemd: LimitMEMLOCK=infinity; a shell: ulimit -l unlimited)")
}

@c @implementation
public func interruptsync_restore_affinities() -> Int32 {
  Int32(clamping: DispatcherAttributes.restoreAffinities())
}

@c @implementation
public func interruptsync_set_roots(
  _ sysfs: UnsafePointer<CChar>?, _ devices: UnsafePointer<CChar>?
) -> Int32 {
  unsafe Roots.sysfs = Sysfs(
    root: sysfs.map { unsafe String(cString: $0) } ?? Sysfs.system.root,
    devices: devices.map { unsafe String(cString: $0) } ?? Sysfs.system.devices)
  return 0
}
