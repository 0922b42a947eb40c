// What every framework object is: a handle, contexts, references, a place in the tree of parents
// (N27). WdfObjectCreate makes objects of this class itself.
import CWindowsInterrupts
import InterruptSync
import LinuxSystem
import Synchronization

@safe class FrameworkObject: @unchecked Sendable {
  /// Guards parents and children of all objects. Never held while a driver's routine runs.
  private static let tree = Monitor()

  private let header: FrameworkHandles.Header
  private let attributes: FrameworkAttributes
  private var parent: FrameworkObject?
  private var children: [FrameworkObject] = []
  private var isEnding = false
  /// One is the object's own, given back when it is deleted; each child has one.
  private let references = Atomic<Int>(1)
  /// Those of them that the driver took.
  private let driversReferences = Atomic<Int>(0)

  var handle: OpaquePointer { unsafe OpaquePointer(header) }
  var rawHandle: WDFOBJECT { unsafe WDFOBJECT(header) }

  /// A handle without a context and a parent; `begin` gives both.
  init(_ attributes: FrameworkAttributes) {
    self.attributes = attributes
    unsafe header = unsafe FrameworkHandles.make()
    unsafe FrameworkHandles.publish(header, self)
  }

  /// Makes the context and takes the place below `parent`. On failure the object has ended, without
  /// a callback.
  func begin(below parent: FrameworkObject?) throws(FrameworkFailure) {
    do throws(FrameworkFailure) {
      if unsafe attributes.raw.ContextTypeInfo != nil { _ = unsafe try addContext(attributes) }
      if let parent { try parent.adopt(self) }
    } catch {
      abandon()
      throw error
    }
  }

  /// Ends an object that nobody knows of yet.
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

  /// The device that it is, or is below of.
  var device: FrameworkDevice? { Self.tree.locked { parent }?.device }

  var isDeleting: Bool { Self.tree.locked { isEnding } }

  /// The framework's own end of it, before the driver's callbacks: no routine of it starts any more.
  func stop() {}

  /// Whether a driver's WdfObjectDelete is refused (W4).
  var isFrameworkOwned: Bool { false }

  /// Gives it a context of the type that `attributes` name; whether it had one.
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

  /// False: none of the driver's references is left.
  func dereferenceForDriver() -> Bool {
    guard Self.count(driversReferences, by: -1) else { return false }
    dereference()
    return true
  }

  /// Runs `body` with a reference, so that the contexts outlive it; not at all when none is left.
  func whileReferenced(_ body: () -> Void) {
    guard Self.count(references, by: 1) else { return }
    body()
    dereference()
  }

  /// Changes a count that is above 0; false when it is not.
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

  /// Ends it and what is below it: of each, children first, the routines and the cleanup callback,
  /// and when all have been told, the references.
  func delete() {
    let ending = Self.tree.locked {
      var found: [FrameworkObject] = []
      collect(&found)
      parent?.children.removeAll { $0 === self }
      return found
    }
    for object in ending {
      object.stop()
      unsafe object.attributes.raw.EvtCleanupCallback?(object.rawHandle)
    }
    for object in ending { object.dereference() }
  }

  /// Marks the objects that this call is to end. With `tree` held.
  private func collect(_ found: inout [FrameworkObject]) {
    guard !isEnding else { return }
    isEnding = true
    for child in children.reversed() { child.collect(&found) }
    children = []
    found.append(self)
  }
}
