// The table's functions, as C calls them.
import CInterruptSync
import Glibc
import InterruptSync
import UIO

extension DriverHost {
  /// Everything that is the same for all devices.
  static var functions: interruptsync_host {
    var table = unsafe interruptsync_host()
    unsafe table.size = MemoryLayout<interruptsync_host>.size
    unsafe table.region = { host, name, region, length in
      guard let name = unsafe name, let region = unsafe region else { return -EINVAL }
      return unsafe DriverHost.with(host) { host in
        do throws(UIOError) {
          let opened = try unsafe host.region(String(cString: name))
          unsafe region.pointee = OpaquePointer(Unmanaged.passUnretained(opened).toOpaque())
          unsafe length?.pointee = UInt64(opened.size)
          return 0
        } catch { return error.code == .readOnly ? -EPERM : -error.number }
      }
    }
    unsafe table.capture = { host, index, value in
      _ = unsafe DriverHost.with(host) { host in
        host.capture(index, value)
        return 0
      }
    }
    unsafe table.call = { host, routine, context, status in
      guard let routine = unsafe routine else { return -EINVAL }
      return unsafe DriverHost.with(host) { host in
        do throws(InterruptSyncError) {
          let answer = try host.object.callSynchronizedRoutine { unsafe routine(context) }
          unsafe status?.pointee = answer
          return 0
        } catch { return -error.number }
      }
    }
    unsafe table.defer = { host in unsafe DriverHost.with(host) { $0.ask() } }
    unsafe table.say = { host, text in
      guard let text = unsafe text else { return -EINVAL }
      return unsafe DriverHost.with(host) { unsafe $0.say(String(cString: text)) }
    }
    unsafe addAccesses(&table)
    return unsafe table
  }

  private static func addAccesses(_ table: inout interruptsync_host) {
    unsafe table.read8 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read8(at: place(offset))
      }
    }
    unsafe table.read16 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read16(at: place(offset))
      }
    }
    unsafe table.read32 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read32(at: place(offset))
      }
    }
    unsafe table.read64 = { region, offset, value in
      unsafe access(region, value) { (region, value) throws(UIOError) in
        unsafe value.pointee = try region.read64(at: place(offset))
      }
    }
    unsafe table.write8 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write8(value, at: place(offset))
      }
    }
    unsafe table.write16 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write16(value, at: place(offset))
      }
    }
    unsafe table.write32 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write32(value, at: place(offset))
      }
    }
    unsafe table.write64 = { region, offset, value in
      unsafe access(region) { region throws(UIOError) in
        try region.write64(value, at: place(offset))
      }
    }
  }

  /// Runs `body` on the host behind a table, without counting a reference.
  @inline(__always)
  private static func with(
    _ host: UnsafePointer<interruptsync_host>?, _ body: (DriverHost) -> Int32
  ) -> Int32 {
    guard let daemon = unsafe host?.pointee.daemon else { return -EINVAL }
    return unsafe Unmanaged<DriverHost>.fromOpaque(daemon)._withUnsafeGuaranteedRef { body($0) }
  }
}

/// Offsets are unsigned in C; what Swift's cannot hold leaves every region.
@inline(__always)
private func place(_ offset: UInt64) -> Int { Int(exactly: offset) ?? .max }

// Of a service routine's path: nothing is made or counted unless an access fails.
@inline(__always)
private func access(
  _ region: OpaquePointer?, _ body: (RegisterRegion) throws(UIOError) -> Void
) -> Int32 {
  guard let region = unsafe region else { return -EINVAL }
  return unsafe Unmanaged<RegisterRegion>.fromOpaque(UnsafeRawPointer(region))
    ._withUnsafeGuaranteedRef { region in
      do throws(UIOError) {
        try body(region)
        return 0
      } catch { return -error.number }
    }
}

@inline(__always)
private func access<T>(
  _ region: OpaquePointer?, _ value: UnsafeMutablePointer<T>?,
  _ body: (RegisterRegion, UnsafeMutablePointer<T>) throws(UIOError) -> Void
) -> Int32 {
  guard let value = unsafe value else { return -EINVAL }
  return unsafe access(region) { region throws(UIOError) in try unsafe body(region, value) }
}
