// Floor 5. interruptsync/region.h: device registers. Programs in C open regions on any thread at
// PASSIVE level, without a lock. Service routines read and write through these entry points on the
// dispatcher under the interrupt lock, other threads at any level without it: an access takes no
// lock, allocates nothing and counts no reference unless it fails.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
public import CInterruptSync
import Glibc
import InterruptSync
import UIO

@c @implementation
public func interruptsync_region_map(
  _ device: OpaquePointer?, _ index: UInt32, _ region: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    unsafe try UIODevice.of(device).region(map: Int(index)).give(to: region)
    return 0
  }
}

@c @implementation
public func interruptsync_region_bar(
  _ device: OpaquePointer?, _ number: UInt32, _ region: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    unsafe try UIODevice.of(device).region(bar: Int(number)).give(to: region)
    return 0
  }
}

@c @implementation
public func interruptsync_region_get_info(
  _ region: OpaquePointer?, _ info: UnsafeMutablePointer<interruptsync_region_info>?
) -> Int32 {
  attempt {
    let region = unsafe try RegisterRegion.of(region)
    var answer = interruptsync_region_info()
    answer.kind = UInt32(region.kind == .port ? INTERRUPTSYNC_PORTS : INTERRUPTSYNC_MEMORY)
    answer.length = UInt64(region.size)
    unsafe withUnsafeMutableBytes(of: &answer.name) { unsafe fill($0, region.name) }
    unsafe try give(answer, to: info)
    return 0
  }
}

// MARK: Accesses

/// Runs `body` on what `handle` names, without counting a reference.
@inline(__always)
private func access(
  _ handle: OpaquePointer?, _ body: (RegisterRegion) throws(UIOError) -> Void
) -> Int32 {
  guard let region = unsafe handle_object(UnsafeRawPointer(handle), RegisterRegion.handleKind)
  else { return fail(EINVAL, "access a register: not a live handle of a region") }
  return unsafe Unmanaged<RegisterRegion>.fromOpaque(region)._withUnsafeGuaranteedRef { region in
    do throws(UIOError) {
      try body(region)
      return 0
    } catch { return fail(error.number, error.description) }
  }
}

/// Offsets are unsigned in C; what Swift's cannot hold leaves every region.
@inline(__always)
private func place(_ offset: UInt64) -> Int { Int(exactly: offset) ?? .max }

@c @implementation
public func interruptsync_read8(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UnsafeMutablePointer<UInt8>?
) -> Int32 {
  guard let value = unsafe value else { return fail(EINVAL, "interruptsync_read8: NULL") }
  return unsafe access(region) { region throws(UIOError) in
    unsafe value.pointee = try region.read8(at: place(offset))
  }
}

@c @implementation
public func interruptsync_read16(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UnsafeMutablePointer<UInt16>?
) -> Int32 {
  guard let value = unsafe value else { return fail(EINVAL, "interruptsync_read16: NULL") }
  return unsafe access(region) { region throws(UIOError) in
    unsafe value.pointee = try region.read16(at: place(offset))
  }
}

@c @implementation
public func interruptsync_read32(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UnsafeMutablePointer<UInt32>?
) -> Int32 {
  guard let value = unsafe value else { return fail(EINVAL, "interruptsync_read32: NULL") }
  return unsafe access(region) { region throws(UIOError) in
    unsafe value.pointee = try region.read32(at: place(offset))
  }
}

@c @implementation
public func interruptsync_read64(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  guard let value = unsafe value else { return fail(EINVAL, "interruptsync_read64: NULL") }
  return unsafe access(region) { region throws(UIOError) in
    unsafe value.pointee = try region.read64(at: place(offset))
  }
}

@c @implementation
public func interruptsync_write8(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UInt8
) -> Int32 {
  unsafe access(region) { region throws(UIOError) in
    try region.write8(value, at: place(offset))
  }
}

@c @implementation
public func interruptsync_write16(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UInt16
) -> Int32 {
  unsafe access(region) { region throws(UIOError) in
    try region.write16(value, at: place(offset))
  }
}

@c @implementation
public func interruptsync_write32(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UInt32
) -> Int32 {
  unsafe access(region) { region throws(UIOError) in
    try region.write32(value, at: place(offset))
  }
}

@c @implementation
public func interruptsync_write64(
  _ region: OpaquePointer?, _ offset: UInt64, _ value: UInt64
) -> Int32 {
  unsafe access(region) { region throws(UIOError) in
    try region.write64(value, at: place(offset))
  }
}
