// Ports by number, through the device's own I/O BAR.
public import CWindowsInterrupts
import UIO

private func port<Pointer, R>(
  _ call: String, _ place: UnsafeMutablePointer<Pointer>?, _ absent: R,
  _ access: (RegisterRegion, Int) throws(UIOError) -> R
) -> R {
  let number = UInt64(UInt(bitPattern: place))
  let width = UInt64(MemoryLayout<Pointer>.size)
  guard let range = DeviceRanges.find(number, width, isPort: true) else {
    Reports.violation(call, "L8", "port 0x\(String(number, radix: 16)) is none of a device")
    return absent
  }
  do throws(UIOError) { return try access(range.region, Int(number - range.start)) } catch {
    Reports.notice(call, "N16", error.description)
    return absent
  }
}

@c @implementation
public func READ_PORT_UCHAR(_ Port: PUCHAR!) -> UCHAR {
  unsafe port("READ_PORT_UCHAR", Port, .max) { (region, offset) throws(UIOError) in
    try region.read8(at: offset)
  }
}

@c @implementation
public func READ_PORT_USHORT(_ Port: PUSHORT!) -> USHORT {
  unsafe port("READ_PORT_USHORT", Port, .max) { (region, offset) throws(UIOError) in
    try region.read16(at: offset)
  }
}

@c @implementation
public func READ_PORT_ULONG(_ Port: PULONG!) -> ULONG {
  unsafe port("READ_PORT_ULONG", Port, .max) { (region, offset) throws(UIOError) in
    try region.read32(at: offset)
  }
}

@c @implementation
public func WRITE_PORT_UCHAR(_ Port: PUCHAR!, _ Value: UCHAR) {
  unsafe port("WRITE_PORT_UCHAR", Port, ()) { (region, offset) throws(UIOError) in
    try region.write8(Value, at: offset)
  }
}

@c @implementation
public func WRITE_PORT_USHORT(_ Port: PUSHORT!, _ Value: USHORT) {
  unsafe port("WRITE_PORT_USHORT", Port, ()) { (region, offset) throws(UIOError) in
    try region.write16(Value, at: offset)
  }
}

@c @implementation
public func WRITE_PORT_ULONG(_ Port: PULONG!, _ Value: ULONG) {
  unsafe port("WRITE_PORT_ULONG", Port, ()) { (region, offset) throws(UIOError) in
    try region.write32(Value, at: offset)
  }
}
