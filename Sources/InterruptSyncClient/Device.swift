// Floor 6. A device as the daemon describes it: its state, its registers, the settings that a
// client can change, and the stream of changes. InterruptSyncClient makes them from replies;
// programs and interruptsyncctl read them. Values, for any thread, no lock; the stream has its own
// connection, and only one thread at a time may use it.
package import Varlink

/// A UIO device or software line, and what the daemon did with it at one moment.
public struct Device: Sendable {
  /// How far the daemon services a device.
  public enum State: String, Sendable, CaseIterable {
    /// Found, but not serviced.
    case listed
    /// The daemon services its interrupts.
    case connected
    /// Masked by the storm brake.
    case storming
    /// A client services it.
    case attached
    /// It is configured, but the daemon cannot service it: `failure` says why.
    case failed
    /// It was serviced and has gone. The daemon waits for its return.
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
  /// How far the daemon services it.
  public let state: State
  /// Why the daemon does not service a configured device.
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
  /// Those of them that claim on a level-triggered line and acknowledge nothing.
  public let unsilenced: [String]
  /// The kernel's interrupt number, if it has one.
  public let irq: Int?
  /// The name of the thread that dispatches, of which the kernel keeps 15 bytes; nil from a daemon
  /// that does not say.
  public let thread: String?
  /// The processors that its file asks for, of the thread; empty: none in particular.
  public let processors: Set<Int>
  /// The same of the interrupt.
  public let interruptProcessors: Set<Int>
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
    unsilenced = (reader.object["unsilenced"]?.array ?? []).compactMap(\.string)
    irq = reader.optionalInt("irq")
    thread = reader.optionalString("thread")
    processors = reader.processors("processors")
    interruptProcessors = reader.processors("interruptProcessors")
    regions = try reader.list("regions", DeviceRegion.init)
    json = reader.object
  }

  /// Whether the line is serviced: connected, masked by the storm brake, or attached.
  public var isServiced: Bool { state == .connected || state == .storming || state == .attached }
}

/// A range of registers of a device.
public struct DeviceRegion: Equatable, Sendable {
  /// How you access it.
  public enum Kind: String, Sendable {
    /// Loads and stores.
    case memory
    /// The x86 I/O instructions.
    case port
  }

  /// `barN`, `mapN` or `portN`.
  public let name: String
  /// How you access it.
  public let kind: Kind
  /// The physical address, or the first port.
  public let address: UInt64
  /// The size in bytes.
  public let size: UInt64

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    name = try reader.string("name")
    guard let kind = Kind(rawValue: try reader.string("kind")) else {
      throw reader.violation("a region of an unknown kind")
    }
    self.kind = kind
    address = try reader.count("address")
    size = try reader.count("size")
  }
}

/// How the dispatcher walks the list of a device's service routines.
public enum DeviceMode: String, Sendable, CaseIterable {
  /// Until one routine claims the interrupt.
  case normal
  /// Every routine.
  case all
  /// Every routine, repeatedly until none claims.
  case `repeat`
}

/// How the thread that dispatches a device's interrupts is scheduled.
public enum DispatcherPolicy: Equatable, Sendable {
  /// SCHED_OTHER, like ordinary threads.
  case other
  /// SCHED_FIFO with a priority of 1 to 99. Stay below 50, the priority of the kernel's interrupt
  /// threads (fact 53).
  case fifo(Int)
}

/// One reply of `watchDevices`.
public struct DeviceChange: Sendable {
  /// The kind of a change.
  public enum Event: String, Sendable {
    /// These are all present devices: the first change, and again after changes were missed.
    case present
    /// They appeared.
    case added
    /// Their state or their configuration changed.
    case changed
    /// They have gone, and the daemon does not wait for their return.
    case removed
  }

  /// The kind of the change.
  public let event: Event
  /// The devices it happened to.
  public let devices: [Device]

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    guard let event = Event(rawValue: try reader.string("event")) else {
      throw reader.violation("an unknown event")
    }
    self.event = event
    devices = try reader.list("devices", Device.init)
  }
}

/// The changes of devices, in order. Releasing the value ends the stream.
public struct DeviceChanges {
  private var stream: ReplyStream

  init(_ stream: ReplyStream) { self.stream = stream }

  /// Waits for the next change; nil when the daemon has ended the stream.
  /// - Parameter timeout: nil waits without limit.
  /// - Throws: `timedOut`, after which you may call it again; `permissionDenied`, `disconnected`,
  ///   `protocolViolation`.
  public mutating func next(
    timeout: Duration? = nil
  ) throws(InterruptSyncClientError) -> DeviceChange? {
    guard let reader = try stream.next(timeout: timeout) else { return nil }
    return try DeviceChange(reader)
  }
}
