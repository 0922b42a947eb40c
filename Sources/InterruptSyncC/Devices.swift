// Floor 5. interruptsync/device.h: the UIO devices of this machine, and what the kernel says about
// each. Programs in C call it on any thread at PASSIVE level; no lock is held, also not while a
// visitor runs. Nothing here is on an interrupt's path.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import Glibc
import InterruptSync
import UIO

@c @implementation
public func interruptsync_device_list(
  _ visitor: interruptsync_device_visitor?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
  attempt {
    guard let visitor = unsafe visitor else { throw Failure.invalid("the visitor is NULL") }
    var calls: Int32 = 0
    for device in UIODeviceInfo.all(Roots.sysfs) {
      var info = interruptsync_device_info(device)
      calls += 1
      if unsafe visitor(&info, context) != 0 { break }
    }
    return calls
  }
}

@c @implementation
public func interruptsync_device_open(
  _ id: UnsafePointer<CChar>?, _ device: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard unsafe device != nil else { throw Failure.noRoom("device") }
    guard let id = unsafe id else { throw Failure.invalid("the id is NULL") }
    let opened = try UIODevice(UIODeviceID(unsafe String(cString: id)), sysfs: Roots.sysfs)
    unsafe try opened.give(to: device)
    return 0
  }
}

@c @implementation
public func interruptsync_device_get_info(
  _ device: OpaquePointer?, _ info: UnsafeMutablePointer<interruptsync_device_info>?
) -> Int32 {
  attempt {
    unsafe try give(interruptsync_device_info(UIODevice.of(device).info), to: info)
    return 0
  }
}

@c @implementation
public func interruptsync_device_get_map(
  _ device: OpaquePointer?, _ position: UInt32,
  _ info: UnsafeMutablePointer<interruptsync_map_info>?
) -> Int32 {
  attempt {
    let map = unsafe try element(UIODevice.of(device).info.maps, position, "maps")
    var answer = interruptsync_map_info()
    answer.index = UInt32(map.index)
    answer.address = map.address
    answer.length = map.size
    answer.offset = map.offset
    answer.usable_length = map.usableSize
    unsafe withUnsafeMutableBytes(of: &answer.name) { unsafe fill($0, map.name) }
    unsafe try give(answer, to: info)
    return 0
  }
}

@c @implementation
public func interruptsync_device_get_port_range(
  _ device: OpaquePointer?, _ position: UInt32,
  _ info: UnsafeMutablePointer<interruptsync_port_range_info>?
) -> Int32 {
  attempt {
    let range = unsafe try element(UIODevice.of(device).info.portRegions, position, "port ranges")
    var answer = interruptsync_port_range_info()
    answer.index = UInt32(range.index)
    answer.start = range.start
    answer.length = range.size
    unsafe withUnsafeMutableBytes(of: &answer.name) { unsafe fill($0, range.name) }
    unsafe withUnsafeMutableBytes(of: &answer.type) { unsafe fill($0, range.type) }
    unsafe try give(answer, to: info)
    return 0
  }
}

@c @implementation
public func interruptsync_device_get_bar(
  _ device: OpaquePointer?, _ position: UInt32,
  _ info: UnsafeMutablePointer<interruptsync_bar_info>?
) -> Int32 {
  attempt {
    let bar = unsafe try element(UIODevice.of(device).info.pci?.bars ?? [], position, "BARs")
    var answer = interruptsync_bar_info()
    answer.number = UInt32(bar.number)
    answer.kind = UInt32(bar.kind == .port ? INTERRUPTSYNC_PORTS : INTERRUPTSYNC_MEMORY)
    answer.address = bar.address
    answer.length = bar.size
    answer.is_prefetchable = bar.isPrefetchable
    unsafe try give(answer, to: info)
    return 0
  }
}

@c @implementation
public func interruptsync_device_is_alive(_ device: OpaquePointer?) -> Int32 {
  attempt { unsafe try UIODevice.of(device).isAlive ? 1 : 0 }
}

@c @implementation
public func interruptsync_device_has_interrupt(_ device: OpaquePointer?) -> Int32 {
  attempt { unsafe try UIODevice.of(device).hasInterrupt ? 1 : 0 }
}

private func element<T>(_ list: [T], _ position: UInt32, _ what: String) throws(Failure) -> T {
  guard Int(position) < list.count else {
    throw Failure(number: ENOENT, text: "the device has \(list.count) \(what), counted from 0")
  }
  return list[Int(position)]
}

extension interruptsync_device_info {
  init(_ info: UIODeviceInfo) {
    self.init()
    size = MemoryLayout<Self>.size
    number = UInt32(info.number)
    event = info.event
    map_count = UInt32(info.maps.count)
    port_range_count = UInt32(info.portRegions.count)
    // A part of an id could be another device's.
    let id = info.stableID.utf8.count < MemoryLayout.size(ofValue: stable_id) ? info.stableID : ""
    unsafe withUnsafeMutableBytes(of: &stable_id) { unsafe fill($0, id) }
    unsafe withUnsafeMutableBytes(of: &name) { unsafe fill($0, info.name) }
    unsafe withUnsafeMutableBytes(of: &version) { unsafe fill($0, info.version) }
    unsafe withUnsafeMutableBytes(of: &driver) { unsafe fill($0, info.driver ?? "") }
    guard let pci = info.pci else { return }
    is_pci = true
    bar_count = UInt32(pci.bars.count)
    pci_domain = pci.address.domain
    pci_bus = pci.address.bus
    pci_device = pci.address.device
    pci_function = pci.address.function
    pci_vendor_id = pci.vendor
    pci_device_id = pci.device
  }
}
