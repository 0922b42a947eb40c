// What UIO stands on stays visible to those who import UIO.
@_exported public import DeviceRegisters
@_exported public import LinuxSystem

/// A failure of an operation on a UIO device.
public typealias UIOError = DeviceError
