// Floor 5, room Framework. WdfObject…: the calls that take any handle. Drivers make them on any
// thread up to DISPATCH_LEVEL, and add a reference at any level. No interrupt lock is needed or
// taken; FrameworkObject takes the monitor of the tree, and calls the driver back without it.
public import CWindowsInterrupts
import InterruptSync

@c @implementation
public func WdfObjectCreateIn(
  _ Driver: WDFDRIVER!, _ Attributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Object: UnsafeMutablePointer<WDFOBJECT?>!
) -> NTSTATUS {
  guard let Object = unsafe Object else { return FrameworkFailure.invalidParameter.status }
  let call = "WdfObjectCreate"
  var handle: OpaquePointer?
  let status = unsafe FrameworkObject.create(call, &handle, atMost: DISPATCH_LEVEL) {
    () throws(FrameworkFailure) in
    let attributes = unsafe try FrameworkAttributes(Attributes, allowing: .parent)
    let parent = unsafe try FrameworkDriver.parent(call, attributes, Driver)
    let object = FrameworkObject(attributes)
    try object.begin(below: parent)
    return object
  }
  unsafe Object.pointee = unsafe WDFOBJECT(handle)
  return status
}

@c @implementation
public func WdfObjectAllocateContext(
  _ Handle: WDFOBJECT!, _ ContextAttributes: PWDF_OBJECT_ATTRIBUTES!,
  _ Context: UnsafeMutablePointer<PVOID?>!
) -> NTSTATUS {
  let call = "WdfObjectAllocateContext"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)) else {
    return FrameworkFailure.invalidState.status
  }
  guard let object = unsafe FrameworkHandles.any(Handle, call) else {
    return FrameworkFailure.invalidHandle.status
  }
  do throws(FrameworkFailure) {
    let attributes = unsafe try FrameworkAttributes(ContextAttributes, allowing: .parent)
    guard unsafe attributes.raw.ParentObject == nil else { throw .invalidParameter }
    guard !object.isDeleting else { throw .deletePending }
    let (context, existed) = unsafe try object.addContext(attributes)
    unsafe Context?.pointee = unsafe context
    return existed ? FrameworkFailure.nameExists.status : NTStatus.success.rawValue
  } catch { return error.status }
}

@c @implementation
public func WdfObjectReferenceActual(
  _ Handle: WDFOBJECT!, _ Tag: PVOID!, _ Line: LONG, _ File: PCSTR!
) { unsafe FrameworkHandles.any(Handle, "WdfObjectReference")?.referenceForDriver() }

@c @implementation
public func WdfObjectDereferenceActual(
  _ Handle: WDFOBJECT!, _ Tag: PVOID!, _ Line: LONG, _ File: PCSTR!
) {
  let call = "WdfObjectDereference"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)),
    let object = unsafe FrameworkHandles.any(Handle, call)
  else { return }
  if !object.dereferenceForDriver() {
    Reports.violation(call, "N27", "no WdfObjectReference remains to release; delete the object")
  }
}

@c @implementation
public func WdfObjectDelete(_ Object: WDFOBJECT!) {
  let call = "WdfObjectDelete"
  guard Reports.require(call, atMost: KIRQL(DISPATCH_LEVEL)),
    let object = unsafe FrameworkHandles.any(Object, call)
  else { return }
  if object.isFrameworkOwned {
    return Reports.violation(call, "W4", "the framework ends this object; the driver does not")
  }
  object.delete()
}

@c @implementation
public func WdfObjectAcquireLock(_ Object: WDFOBJECT!) {
  unsafe changeLock(Object, "WdfObjectAcquireLock", acquiring: true)
}

@c @implementation
public func WdfObjectReleaseLock(_ Object: WDFOBJECT!) {
  unsafe changeLock(Object, "WdfObjectReleaseLock", acquiring: false)
}

private func changeLock(_ handle: WDFOBJECT?, _ call: String, acquiring: Bool) {
  guard let object = unsafe FrameworkHandles.any(handle, call) else { return }
  guard let scope = object as? FrameworkScope else {
    return Reports.violation(call, "W37", "the handle is no device's, and so has no lock")
  }
  scope.changeLock(call, acquiring: acquiring)
}
