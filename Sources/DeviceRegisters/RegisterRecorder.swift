// Registers without a device: the protocol that code implements to answer for registers, and a
// recorder that remembers every access. Floor 2. Tests of drivers make them, RegisterRegion calls
// them on the thread that accesses it, at its level. A monitor guards what the recorder remembers.
import LinuxSystem

/// Answers for a device's registers in tests of drivers.
///
/// Called on the thread that accesses the region; an access has passed the region's checks.
public protocol RegisterInterposer: AnyObject, Sendable {
  /// The value of `width` bytes (1, 2, 4 or 8) at `offset`. The access throws what this throws.
  func read(at offset: Int, width: Int) throws(DeviceError) -> UInt64
  /// Takes `width` bytes (1, 2, 4 or 8) at `offset`. The access throws what this throws.
  func write(_ value: UInt64, at offset: Int, width: Int) throws(DeviceError)
}

/// Registers that keep what is written and remember every access, in order.
///
/// ```swift
/// let recorder = RegisterRecorder(size: 8)
/// let region = RegisterRegion(name: "uart", size: 8, interposer: recorder)
/// ```
@safe public final class RegisterRecorder: RegisterInterposer, @unchecked Sendable {
  /// One access, as the device would have seen it.
  public enum Access: Hashable, Sendable {
    /// A load of `width` bytes at `offset`, and what it gave.
    case read(offset: Int, width: Int, value: UInt64)
    /// A store of `width` bytes at `offset`.
    case write(offset: Int, width: Int, value: UInt64)
  }

  private let monitor = Monitor()
  private var bytes: [UInt8]
  private var seen: [Access] = []

  /// Registers of `size` bytes, all of them zero, nothing remembered.
  public init(size: Int) {
    bytes = [UInt8](repeating: 0, count: size)
  }

  /// Every access since the last `forget()`. Any thread.
  public var accesses: [Access] { monitor.locked { seen } }

  /// Forgets the accesses so far; the values stay. Any thread.
  public func forget() { monitor.locked { seen.removeAll() } }

  /// Puts `value` where the next read of `width` bytes finds it, as the device would. Any thread.
  public func preset(_ value: UInt64, at offset: Int, width: Int) {
    monitor.locked { put(value, offset, width) }
  }

  /// Remembers the access and gives back what was written or preset. Any thread; never throws.
  public func read(at offset: Int, width: Int) throws(DeviceError) -> UInt64 {
    monitor.locked {
      var value: UInt64 = 0
      for index in 0..<width { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
      seen.append(.read(offset: offset, width: width, value: value))
      return value
    }
  }

  /// Remembers the access and keeps the value. Any thread; never throws.
  public func write(_ value: UInt64, at offset: Int, width: Int) throws(DeviceError) {
    monitor.locked {
      put(value, offset, width)
      seen.append(.write(offset: offset, width: width, value: value))
    }
  }

  private func put(_ value: UInt64, _ offset: Int, _ width: Int) {
    for index in 0..<width {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
    }
  }
}
