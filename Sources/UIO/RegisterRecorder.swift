import CUIO

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

  private let lock: UnsafeMutablePointer<cuio_lock>
  private var bytes: [UInt8]
  private var seen: [Access] = []

  /// Registers of `size` bytes, all of them zero, nothing remembered.
  public init(size: Int) {
    bytes = [UInt8](repeating: 0, count: size)
    unsafe lock = .allocate(capacity: 1)
    unsafe lock.initialize(to: cuio_lock())
  }

  deinit { unsafe lock.deallocate() }

  /// Every access since the last `forget()`. Any thread.
  public var accesses: [Access] { locked { seen } }

  /// Forgets the accesses so far; the values stay. Any thread.
  public func forget() { locked { seen.removeAll() } }

  /// Puts `value` where the next read of `width` bytes finds it, as the device would. Any thread.
  public func preset(_ value: UInt64, at offset: Int, width: Int) {
    locked { put(value, offset, width) }
  }

  /// Remembers the access and gives back what was written or preset. Any thread; never throws.
  public func read(at offset: Int, width: Int) throws(UIOError) -> UInt64 {
    locked {
      var value: UInt64 = 0
      for index in 0..<width { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
      seen.append(.read(offset: offset, width: width, value: value))
      return value
    }
  }

  /// Remembers the access and keeps the value. Any thread; never throws.
  public func write(_ value: UInt64, at offset: Int, width: Int) throws(UIOError) {
    locked {
      put(value, offset, width)
      seen.append(.write(offset: offset, width: width, value: value))
    }
  }

  private func put(_ value: UInt64, _ offset: Int, _ width: Int) {
    for index in 0..<width {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
    }
  }

  private func locked<R>(_ body: () -> R) -> R {
    _ = unsafe cuio_lock_acquire(lock)
    defer { _ = unsafe cuio_lock_release(lock) }
    return body()
  }
}
