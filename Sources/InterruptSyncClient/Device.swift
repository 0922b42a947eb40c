package import Varlink

/// A UIO device or software line, and what the daemon did with it at one moment.
public struct Device: Sendable {
  /// How far the daemon serves a device.
  public enum State: String, Sendable, CaseIterable {
    /// Found, and not serviced.
    case listed
    /// Its interrupts are serviced.
    case connected
    /// Masked by the storm brake.
    case storming
    /// A client services it.
    case attached
    /// It should be serviced and is not: `failure` says why.
    case failed
    /// It was serviced, is not there, and is waited for.
    case gone
    /// A state that this version of the library does not know.
    case unknown
  }

  /// The stable id, or the name of a software line.
  public let id: String
  /// N of `/dev/uioN`; nil for software lines and for devices that have gone.
  public let number: Int?
  /// The uio name.
  public let name: String
  /// The kernel driver.
  public let driver: String?
  /// How far it is served.
  public let state: State
  /// Why it is not serviced although it should be.
  public let failure: String?
  /// What to do about the failure.
  public let failureHint: String?
  /// The file that configures it.
  public let file: String?
  /// `normal`, `all` or `repeat`.
  public let mode: String?
  /// How the line is unmasked: `irqcontrol`, `pci-command` or `none`.
  public let rearm: String?
  /// The names of the service routines, in order.
  public let routines: [String]
  /// The kernel's interrupt number, if it has one.
  public let irq: Int?
  /// Its registers.
  public let regions: [DeviceRegion]
  /// As the daemon sent it.
  package let json: JSONObject

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    id = try reader.string("id")
    number = reader.optionalInt("number")
    name = try reader.string("name")
    driver = reader.optionalString("driver")
    state = State(rawValue: try reader.string("state")) ?? .unknown
    failure = reader.optionalString("failure")
    failureHint = reader.optionalString("failureHint")
    file = reader.optionalString("file")
    mode = reader.optionalString("mode")
    rearm = reader.optionalString("rearm")
    routines = try reader.strings("routines")
    irq = reader.optionalInt("irq")
    var regions: [DeviceRegion] = []
    for region in try reader.readers("regions") { regions.append(try DeviceRegion(region)) }
    self.regions = regions
    json = reader.object
  }

  /// Whether the line is serviced: connected, held by the storm brake, or attached.
  public var isServiced: Bool { state == .connected || state == .storming || state == .attached }
}
