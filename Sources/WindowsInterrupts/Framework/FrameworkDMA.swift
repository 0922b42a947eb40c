// Floor 5, room Framework. WDFDMAENABLER and WDFCOMMONBUFFER: memory that a device of the framework
// and its driver share (W33 to W35). Drivers make and end them on any thread at PASSIVE_LEVEL,
// without an interrupt lock; the buffer's addresses are fields that never change, and are read at
// any level without a lock.
public import CWindowsInterrupts
import InterruptSync

@safe final class FrameworkDMAEnabler: FrameworkObject, @unchecked Sendable {
  let windows: WindowsDevice
  let maximumLength: Int
  /// The highest address that the device reaches.
  let last: UInt64

  init(
    _ attributes: FrameworkAttributes, _ windows: WindowsDevice, _ config: WDF_DMA_ENABLER_CONFIG
  ) throws(FrameworkFailure) {
    self.windows = windows
    maximumLength = config.MaximumLength
    last = CommonBuffer.last(bits: try Self.addressBits(config))
    super.init(attributes)
  }

  private static func addressBits(
    _ config: WDF_DMA_ENABLER_CONFIG
  ) throws(FrameworkFailure) -> ULONG {
    let bits: ULONG
    switch config.Profile {
    case WdfDmaProfilePacket, WdfDmaProfileScatterGather, WdfDmaProfileScatterGatherDuplex:
      bits = 32
    case WdfDmaProfilePacket64, WdfDmaProfileScatterGather64, WdfDmaProfileScatterGather64Duplex:
      bits = 64
    case WdfDmaProfileSystem, WdfDmaProfileSystemDuplex: throw .notSupported
    default: throw .invalidParameter
    }
    return config.AddressWidthOverride == 0 ? bits : config.AddressWidthOverride
  }
}

@c @implementation
public func WdfDmaEnablerCreate(
  _ Device: WDFDEVICE!, _ Config: PWDF_DMA_ENABLER_CONFIG!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ DmaEnablerHandle: UnsafeMutablePointer<WDFDMAENABLER?>!
) -> NTSTATUS {
  let call = "WdfDmaEnablerCreate"
  return unsafe FrameworkObject.create(call, DmaEnablerHandle, atMost: PASSIVE_LEVEL) {
    () throws(FrameworkFailure) in
    guard let device: FrameworkDevice = unsafe FrameworkHandles.object(Device, call) else {
      throw .invalidHandle
    }
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_DMA_ENABLER_CONFIG>.size) else {
      throw .lengthMismatch
    }
    guard config.MaximumLength > 0 else { throw .invalidParameter }
    let attributes = unsafe try FrameworkAttributes(Attributes, allowing: .parent)
    let parent = try FrameworkObject.parent(call, attributes) ?? device
    guard parent.nearest(FrameworkDevice.self) === device else { throw .invalidRequest }
    let enabler = try FrameworkDMAEnabler(attributes, device.windows, config)
    guard device.windows.hasMemory(call) else {
      enabler.abandon()
      throw .noResources
    }
    try enabler.begin(below: parent)
    return enabler
  }
}

@c @implementation
public func WdfDmaEnablerGetMaximumLength(_ DmaEnabler: WDFDMAENABLER!) -> Int {
  let call = "WdfDmaEnablerGetMaximumLength"
  let enabler: FrameworkDMAEnabler? = unsafe FrameworkHandles.object(DmaEnabler, call)
  return enabler?.maximumLength ?? 0
}

// MARK: WDFCOMMONBUFFER

@safe final class FrameworkCommonBuffer: FrameworkObject, @unchecked Sendable {
  let buffer: CommonBuffer

  init(_ attributes: FrameworkAttributes, _ buffer: CommonBuffer) {
    self.buffer = buffer
    super.init(attributes)
  }

  /// The memory ends with the last reference: the contexts' callbacks may still use it.
  override func stop() { _ = Reports.require("WdfObjectDelete", atMost: KIRQL(PASSIVE_LEVEL)) }

  static func create(
    _ call: String, _ handle: WDFDMAENABLER?, _ length: Int, alignment mask: ULONG,
    _ attributes: PWDF_OBJECT_ATTRIBUTES?
  ) throws(FrameworkFailure) -> FrameworkCommonBuffer {
    guard let enabler: FrameworkDMAEnabler = unsafe FrameworkHandles.object(handle, call) else {
      throw .invalidHandle
    }
    let alignment = Int(mask) + 1
    guard length > 0, alignment & Int(mask) == 0 else { throw .invalidParameter }
    let attributes = unsafe try FrameworkAttributes(attributes, allowing: [])
    let result = enabler.windows.makeCommonBuffer(
      call, length, alignment: alignment, last: enabler.last)
    switch result {
    case .failure(let error): throw FrameworkFailure(error.status)
    case .success(let buffer):
      let object = FrameworkCommonBuffer(attributes, buffer)
      try object.begin(below: enabler)
      return object
    }
  }
}

@c @implementation
public func WdfCommonBufferCreate(
  _ DmaEnabler: WDFDMAENABLER!, _ Length: Int, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ CommonBuffer: UnsafeMutablePointer<WDFCOMMONBUFFER?>!
) -> NTSTATUS {
  let call = "WdfCommonBufferCreate"
  return unsafe FrameworkObject.create(call, CommonBuffer, atMost: PASSIVE_LEVEL) {
    () throws(FrameworkFailure) in
    unsafe try FrameworkCommonBuffer.create(call, DmaEnabler, Length, alignment: 0, Attributes)
  }
}

@c @implementation
public func WdfCommonBufferCreateWithConfig(
  _ DmaEnabler: WDFDMAENABLER!, _ Length: Int, _ Config: PWDF_COMMON_BUFFER_CONFIG!,
  _ Attributes: PWDF_OBJECT_ATTRIBUTES!, _ CommonBuffer: UnsafeMutablePointer<WDFCOMMONBUFFER?>!
) -> NTSTATUS {
  let call = "WdfCommonBufferCreateWithConfig"
  return unsafe FrameworkObject.create(call, CommonBuffer, atMost: PASSIVE_LEVEL) {
    () throws(FrameworkFailure) in
    guard let config = unsafe Config?.pointee else { throw .invalidParameter }
    guard config.Size == ULONG(MemoryLayout<WDF_COMMON_BUFFER_CONFIG>.size) else {
      throw .lengthMismatch
    }
    return unsafe try FrameworkCommonBuffer.create(
      call, DmaEnabler, Length, alignment: config.AlignmentRequirement, Attributes)
  }
}

private func commonBuffer(_ handle: WDFCOMMONBUFFER?, _ call: String) -> CommonBuffer? {
  let object: FrameworkCommonBuffer? = unsafe FrameworkHandles.object(handle, call)
  return object?.buffer
}

@c @implementation
public func WdfCommonBufferGetAlignedVirtualAddress(_ CommonBuffer: WDFCOMMONBUFFER!) -> PVOID! {
  unsafe commonBuffer(CommonBuffer, "WdfCommonBufferGetAlignedVirtualAddress")?.address
}

@c @implementation
public func WdfCommonBufferGetAlignedLogicalAddress(
  _ CommonBuffer: WDFCOMMONBUFFER!
) -> PHYSICAL_ADDRESS {
  let call = "WdfCommonBufferGetAlignedLogicalAddress"
  let address = unsafe commonBuffer(CommonBuffer, call)?.logicalAddress ?? 0
  return PHYSICAL_ADDRESS(QuadPart: LONGLONG(bitPattern: address))
}

@c @implementation
public func WdfCommonBufferGetLength(_ CommonBuffer: WDFCOMMONBUFFER!) -> Int {
  unsafe commonBuffer(CommonBuffer, "WdfCommonBufferGetLength")?.length ?? 0
}
