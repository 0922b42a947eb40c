// What a WDF handle points to. The memory is never given back and is used again only after many
// others have ended, so that a use of an ended handle is told and not obeyed (N27).
import CWindowsInterrupts
import InterruptSync
import LinuxSystem

enum FrameworkHandles {
  typealias Header = UnsafeMutablePointer<isw_wdf_object>

  private static let monitor = Monitor()
  /// Ended ones, oldest first.
  nonisolated(unsafe) private static var ended: [Header] = unsafe []
  private static let quarantine = 256

  static func make() -> Header {
    unsafe monitor.locked {
      if unsafe ended.count > quarantine { return unsafe ended.removeFirst() }
      let header = Header.allocate(capacity: 1)
      unsafe header.initialize(to: isw_wdf_object())
      return unsafe header
    }
  }

  /// From now on the handle leads to `object`, and keeps it.
  static func publish(_ header: Header, _ object: FrameworkObject) {
    unsafe isw_store_pointer(&header.pointee.object, Unmanaged.passRetained(object).toOpaque())
  }

  static func retire(_ header: Header) {
    guard let object = unsafe header.pointee.object else { return }
    unsafe isw_store_pointer(&header.pointee.object, nil)
    monitor.locked { unsafe ended.append(header) }
    unsafe Unmanaged<FrameworkObject>.fromOpaque(object).release()
  }

  /// The object behind any handle; reports one that has ended. No lock, no allocation.
  static func any(_ handle: UnsafeMutableRawPointer?, _ call: String) -> FrameworkObject? {
    if let handle = unsafe handle,
      let object = unsafe isw_load_pointer(
        &handle.assumingMemoryBound(to: isw_wdf_object.self).pointee.object)
    {
      return unsafe Unmanaged<FrameworkObject>.fromOpaque(object).takeUnretainedValue()
    }
    Reports.violation(call, "N27", "the handle is NULL or its object has ended")
    return nil
  }

  /// The same for a handle of one kind.
  static func object<Kind: FrameworkObject>(
    _ handle: OpaquePointer?, _ call: String, as kind: Kind.Type = Kind.self
  ) -> Kind? {
    guard let object = unsafe any(UnsafeMutableRawPointer(handle), call) else { return nil }
    guard type(of: object) == kind else {
      Reports.violation(call, "N27", "the handle is of another kind of object")
      return nil
    }
    return unsafe unsafeDowncast(object, to: kind)
  }
}
