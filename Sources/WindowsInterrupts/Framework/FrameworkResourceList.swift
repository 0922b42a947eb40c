// WDFCMRESLIST: a view of a device object's resource list.
public import CWindowsInterrupts
import InterruptSync

@safe final class FrameworkResourceList: FrameworkObject, @unchecked Sendable {
  private let list: PCM_RESOURCE_LIST?

  init(_ list: PCM_RESOURCE_LIST?) {
    unsafe self.list = unsafe list
    super.init(FrameworkAttributes.none)
  }

  override var isFrameworkOwned: Bool { true }

  var count: ULONG { unsafe list?.pointee.List.PartialResourceList.Count ?? 0 }

  subscript(index: ULONG) -> PCM_PARTIAL_RESOURCE_DESCRIPTOR? {
    guard let list = unsafe list, index < count else { return nil }
    let entries = unsafe UnsafeMutableRawPointer(
      list.pointer(to: \.List.PartialResourceList.PartialDescriptors)!)
    return unsafe entries.assumingMemoryBound(to: CM_PARTIAL_RESOURCE_DESCRIPTOR.self)
      + Int(index)
  }
}

@c @implementation
public func WdfCmResourceListGetCount(_ List: WDFCMRESLIST!) -> ULONG {
  let call = "WdfCmResourceListGetCount"
  let list: FrameworkResourceList? = unsafe FrameworkHandles.object(List, call)
  return list?.count ?? 0
}

@c @implementation
public func WdfCmResourceListGetDescriptor(_ List: WDFCMRESLIST!, _ Index: ULONG)
  -> PCM_PARTIAL_RESOURCE_DESCRIPTOR!
{
  let call = "WdfCmResourceListGetDescriptor"
  let list: FrameworkResourceList? = unsafe FrameworkHandles.object(List, call)
  return unsafe list?[Index]
}
