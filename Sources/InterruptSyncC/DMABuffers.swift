// Floor 5. interruptsync/dma.h: memory that a device and the program share. Programs in C call it;
// VFIODevices.swift takes its requests from here. Made and released on the caller's thread at
// PASSIVE level, without an interrupt lock; the two sync calls at any level, also in a routine.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import InterruptSync
import UIO

extension DMABuffer: HandleNamed {
  static var handleKind: UInt32 { 0xb7 }
  static var handleName: String { "DMA buffer" }
}

private let directions: [DMABuffer.Direction] = [.both, .toDevice, .fromDevice]

/// What a program in C asks for, as far as it makes sense.
struct DMARequest {
  let size: Int
  let alignment: Int
  let direction: DMABuffer.Direction

  init(_ length: UInt64, _ alignment: UInt64, _ direction: UInt32) throws(Failure) {
    guard Int(direction) < directions.count else {
      throw Failure.invalid("\(direction) is not a direction")
    }
    guard let size = Int(exactly: length), let alignment = Int(exactly: max(alignment, 1)) else {
      throw Failure.invalid("the length or the alignment is beyond the address space")
    }
    self.size = size
    self.alignment = alignment
    self.direction = directions[Int(direction)]
  }
}

@c @implementation
public func interruptsync_device_allocate(
  _ device: OpaquePointer?, _ length: UInt64, _ alignment: UInt64, _ direction: UInt32,
  _ last: UInt64, _ buffer: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let device = unsafe try UIODevice.of(device)
    guard unsafe buffer != nil else { throw Failure.noRoom(DMABuffer.handleName) }
    let wanted = try DMARequest(length, alignment, direction)
    let made = try DMABuffer(
      device, size: wanted.size, alignment: wanted.alignment, direction: wanted.direction,
      addressLimit: last == 0 ? .max : last)
    unsafe try made.give(to: buffer)
    return 0
  }
}

@c @implementation
public func interruptsync_dma_get_info(
  _ buffer: OpaquePointer?, _ info: UnsafeMutablePointer<interruptsync_dma_info>?
) -> Int32 {
  attempt {
    let buffer = unsafe try DMABuffer.of(buffer)
    var answer = unsafe interruptsync_dma_info()
    unsafe answer.address = buffer.bytes.baseAddress
    unsafe answer.device_address = buffer.deviceAddress
    unsafe answer.length = UInt64(buffer.size)
    unsafe answer.direction = UInt32(directions.firstIndex(of: buffer.direction) ?? 0)
    unsafe try give(answer, to: info)
    return 0
  }
}

@c @implementation
public func interruptsync_dma_sync_for_device(_ buffer: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try DMABuffer.of(buffer).synchronizeForDevice()
    return 0
  }
}

@c @implementation
public func interruptsync_dma_sync_for_program(_ buffer: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try DMABuffer.of(buffer).synchronizeForProgram()
    return 0
  }
}
