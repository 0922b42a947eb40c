// Floor 5, room Framework. What every framework object is: a handle, contexts, references, a place
// in the tree of parents (N27). The kinds of objects and ObjectCalls use it; they override `stop`,
// `childStopped` and `isFrameworkOwned`, and this file knows none of them. Any thread: handles
// resolve at any level without a lock, objects end up to DISPATCH_LEVEL. One monitor guards the
// tree of all objects and is not held while a driver's callback runs.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

/// WdfObjectCreate makes objects of this class itself.
@safe class FrameworkObject: @unchecked Sendable {
  /// Guards parents and children of all objects. Released before a driver's routine runs.
  private static let tree = Monitor()

  private let header: FrameworkHandles.Header
  private let attributes: FrameworkAttributes
  private var parent: FrameworkObject?
  private var children: [FrameworkObject] = []
  private var isEnding = false
  /// The object's own reference, which its deletion releases, and one for each child.
  private let references = Atomic<Int>(1)
  /// The driver's share of them.
  private let driversReferences = Atomic<Int>(0)

  var handle: OpaquePointer { unsafe OpaquePointer(header) }
  var rawHandle: WDFOBJECT { unsafe WDFOBJECT(header) }

  /// Makes a handle without a context and a parent; `begin` adds both.
  init(_ attributes: FrameworkAttributes) {
    self.attributes = attributes
    unsafe header = unsafe FrameworkHandles.make()
    unsafe FrameworkHandles.publish(header, self)
  }

  /// Makes the context and enters the tree below `parent`. A failure ends the object without a
  /// callback.
  func begin(below parent: FrameworkObject?) throws(FrameworkFailure) {
    do throws(FrameworkFailure) {
      if unsafe attributes.raw.ContextTypeInfo != nil { _ = unsafe try addContext(attributes) }
      if let parent { try parent.adopt(self) }
    } catch {
      abandon()
      throw error
    }
  }

  /// Ends an object whose handle was never returned.
  func abandon() {
    stop()
    unsafe isw_wdf_free_contexts(header)
    unsafe FrameworkHandles.retire(header)
  }

  private func adopt(_ child: FrameworkObject) throws(FrameworkFailure) {
    try Self.tree.locked { () throws(FrameworkFailure) in
      guard !isEnding else { throw .deletePending }
      children.append(child)
      child.parent = self
      references.wrappingAdd(1, ordering: .relaxed)
    }
  }

  var parentHandle: WDFOBJECT? {
    unsafe Self.tree.locked { parent }.map { unsafe $0.rawHandle }
  }

  /// The nearest object of `Kind`: this one, or one above it.
  func nearest<Kind: FrameworkObject>(_ kind: Kind.Type) -> Kind? {
    if let found = self as? Kind { return found }
    return Self.tree.locked { parent }?.nearest(kind)
  }

  var isDeleting: Bool { Self.tree.locked { isEnding } }

  /// The framework's own part of the end, before the driver's callbacks: no routine starts any more.
  func stop() {}

  /// A child has stopped. Its cleanup callback follows.
  func childStopped(_ child: FrameworkObject) {}

  /// Whether WdfObjectDelete refuses it (W4).
  var isFrameworkOwned: Bool { false }

  /// Adds a context of the type that `attributes` name, or finds the existing one; the second result
  /// says which.
  func addContext(_ attributes: FrameworkAttributes) throws(FrameworkFailure) -> (PVOID, Bool) {
    guard let type = unsafe attributes.raw.ContextTypeInfo else { throw .nameInvalid }
    let size = unsafe max(attributes.raw.ContextSizeOverride, type.pointee.ContextSize)
    var existed = false
    guard let context = unsafe isw_wdf_add_context(header, type, size, &existed) else {
      throw .noResources
    }
    return unsafe (UnsafeMutableRawPointer(context + 1), existed)
  }

  func referenceForDriver() {
    references.wrappingAdd(1, ordering: .relaxed)
    driversReferences.wrappingAdd(1, ordering: .relaxed)
  }

  /// False: the driver has no reference left.
  func dereferenceForDriver() -> Bool {
    guard Self.count(driversReferences, by: -1) else { return false }
    dereference()
    return true
  }

  /// Runs `body` with a reference, so that the contexts outlive it. Does not run it after the last
  /// reference.
  func whileReferenced(_ body: () -> Void) {
    guard Self.count(references, by: 1) else { return }
    body()
    dereference()
  }

  /// Changes a count that is above 0; false if it is 0.
  private static func count(_ place: borrowing Atomic<Int>, by change: Int) -> Bool {
    var seen = place.load(ordering: .relaxed)
    while seen > 0 {
      let (exchanged, now) = place.weakCompareExchange(
        expected: seen, desired: seen + change, ordering: .acquiringAndReleasing)
      if exchanged { return true }
      seen = now
    }
    return false
  }

  private func dereference() {
    guard references.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else {
      return
    }
    unsafe attributes.raw.EvtDestroyCallback?(rawHandle)
    unsafe isw_wdf_free_contexts(header)
    let parent = Self.tree.locked { () -> FrameworkObject? in
      defer { self.parent = nil }
      return self.parent
    }
    unsafe FrameworkHandles.retire(header)
    parent?.dereference()
  }

  /// Ends the object and all objects below it. First it stops each one and calls its cleanup
  /// callback, children first; then it releases their references.
  func delete() {
    let ending = Self.tree.locked {
      var found: [FrameworkObject] = []
      collect(&found)
      parent?.children.removeAll { $0 === self }
      return found
    }
    for object in ending {
      object.stop()
      Self.tree.locked { object.parent }?.childStopped(object)
      unsafe object.attributes.raw.EvtCleanupCallback?(object.rawHandle)
    }
    for object in ending { object.dereference() }
  }

  /// Collects and marks the objects that this call ends. With `tree` held.
  private func collect(_ found: inout [FrameworkObject]) {
    guard !isEnding else { return }
    isEnding = true
    for child in children.reversed() { child.collect(&found) }
    children = []
    found.append(self)
  }
}

extension FrameworkObject {
  /// The rest of a creation function: a place for the handle, a level, and a status.
  static func create(
    _ call: String, _ out: UnsafeMutablePointer<OpaquePointer?>?, atMost limit: Int32,
    _ make: () throws(FrameworkFailure) -> FrameworkObject
  ) -> NTSTATUS {
    guard let out = unsafe out else { return FrameworkFailure.invalidParameter.status }
    unsafe out.pointee = nil
    guard Reports.require(call, atMost: KIRQL(limit)) else {
      return FrameworkFailure.invalidState.status
    }
    do throws(FrameworkFailure) {
      unsafe out.pointee = try make().handle
      return NTStatus.success.rawValue
    } catch { return error.status }
  }

  /// The parent that the attributes name; nil when they name none. Reports a handle of no object.
  static func parent(_ call: String, _ attributes: FrameworkAttributes) throws(FrameworkFailure)
    -> FrameworkObject?
  {
    guard let handle = unsafe attributes.raw.ParentObject else { return nil }
    guard let parent = unsafe FrameworkHandles.any(handle, call) else { throw .invalidHandle }
    return parent
  }
}

/// WDF handles. Their memory is never freed, and a handle is used again only after many others have
/// ended, so that a use of an ended handle is reported and not obeyed (N27).
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

  /// Makes the handle lead to `object`, and keep it.
  static func publish(_ header: Header, _ object: FrameworkObject) {
    unsafe isw_store_pointer(&header.pointee.object, Unmanaged.passRetained(object).toOpaque())
  }

  static func retire(_ header: Header) {
    guard let object = unsafe header.pointee.object else { return }
    unsafe isw_store_pointer(&header.pointee.object, nil)
    monitor.locked { unsafe ended.append(header) }
    unsafe Unmanaged<FrameworkObject>.fromOpaque(object).release()
  }

  /// The object of any handle; reports a handle that has ended. No lock, no allocation.
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
