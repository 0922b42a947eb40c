import UIO

/// The register regions of an open device, each opened once.
final class DeviceRegions {
  private let device: UIODevice
  private var opened: [RegisterReference.Region: RegisterRegion] = [:]

  init(_ device: UIODevice) { self.device = device }

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
