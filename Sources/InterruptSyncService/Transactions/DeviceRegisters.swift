// Transactions room. The registers of an open device, for transactions, recipes and hosted drivers:
// its regions, each opened once, and references bound to them. DeviceOpener and VFIOFunctions make
// the regions on the control thread; the start function of a hosted driver opens some on its own
// thread. Transaction and RecipeRoutine read and write a bound register on their thread, with the
// interrupt lock held. No lock of its own.
import UIO
import VFIO

/// An open device as registers are named: by its BARs, and by the maps of its UIO driver.
protocol RegisterSpace {
  func region(bar number: Int) throws(UIOError) -> RegisterRegion
  func region(map number: Int) throws(UIOError) -> RegisterRegion
}

extension UIODevice: RegisterSpace {}

extension VFIODevice: RegisterSpace {
  func region(map number: Int) throws(UIOError) -> RegisterRegion {
    throw UIOError(
      .noSuchRegion, device: "\(self) map\(number)", operation: "map the memory",
      cause: "a device of vfio-pci has no maps", hint: "name a BAR: bar\(number)")
  }
}

/// The register regions of an open device, each opened once.
final class DeviceRegions {
  private let device: any RegisterSpace
  private var opened: [RegisterReference.Region: RegisterRegion] = [:]

  init(_ device: any RegisterSpace) { self.device = device }

  /// - Throws: what opening a region throws.
  func region(_ region: RegisterReference.Region) throws(UIOError) -> RegisterRegion {
    if let known = opened[region] { return known }
    let made =
      switch region {
      case .bar(let number): try device.region(bar: number)
      case .map(let number): try device.region(map: number)
      }
    opened[region] = made
    return made
  }
}

/// A register of an open device.
struct BoundRegister {
  private let region: RegisterRegion
  private let offset: Int
  private let width: Int
  /// The bits that the reference selects.
  let mask: UInt64

  /// - Throws: `outOfBounds`, `misaligned`.
  init(_ register: RegisterReference, in region: RegisterRegion) throws(UIOError) {
    guard register.offset >= 0, register.offset <= region.size - register.width / 8 else {
      throw UIOError(
        .outOfBounds, device: region.name, operation: "find the register",
        cause: "\(register) is outside the \(region.size) bytes of the region",
        hint: "interruptsyncctl info shows the regions and their sizes")
    }
    guard register.width < 64 || region.kind == .memory else {
      throw UIOError(
        .misaligned, device: region.name, operation: "find the register",
        cause: "port accesses are at most 32 bits wide", hint: "use two registers of 32 bits")
    }
    self.region = region
    offset = register.offset
    width = register.width
    mask = register.mask
  }

  /// - Throws: `malformed` if `value` has more bits than the register.
  func requireFits(_ value: UInt64) throws(UIOError) {
    guard width < 64, value >> UInt64(width) != 0 else { return }
    throw UIOError(
      .malformed, device: region.name, operation: "write the register",
      cause: "0x\(String(value, radix: 16)) has more than \(width) bits",
      hint: "write a smaller value, or name the register with its true width")
  }

  /// All bits, masked or not. Throws `removed`.
  func read() throws(UIOError) -> UInt64 {
    switch width {
    case 8: UInt64(try region.read8(at: offset))
    case 16: UInt64(try region.read16(at: offset))
    case 32: UInt64(try region.read32(at: offset))
    default: try region.read64(at: offset)
    }
  }

  /// Throws `removed`.
  func write(_ value: UInt64) throws(UIOError) {
    switch width {
    case 8: try region.write8(UInt8(truncatingIfNeeded: value), at: offset)
    case 16: try region.write16(UInt16(truncatingIfNeeded: value), at: offset)
    case 32: try region.write32(UInt32(truncatingIfNeeded: value), at: offset)
    default: try region.write64(value, at: offset)
    }
  }
}
