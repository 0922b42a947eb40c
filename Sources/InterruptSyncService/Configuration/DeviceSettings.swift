// Configuration room. [Device], the keys that say how a device is connected. DeviceFile makes it;
// DeviceOpener, VFIOFunctions, ManagedDevice and AccessPolicy read it. Pure values, on the control
// thread; no lock.
package import InterruptSync
import LinuxSystem
package import UIO
package import VFIO

/// What applies to a device as a whole.
package struct DeviceSettings: Equatable, Sendable {
  package var mode = InterruptSyncMode.normal
  /// nil: the driver decides.
  package var rearm: RearmStrategy?
  /// Of a device of VFIO; nil: the best kind that the device has.
  package var interrupt: VFIOInterrupt?
  package var vectors = VectorSelection.standard
  /// Also where the interrupt does not need it.
  package var isBusMaster = false
  package var dispatcher = DispatcherAttributes()
  package var storm = StormPolicy.standard
  package var repeatLimit: UInt64 = 1000
  package var acceptsAnySuccess = false
  package var connectsWithoutRoutines = false
  /// Devices that name the same group share a lock.
  package var lockGroup: String?
  /// Devices that name the same group and have the same thread attributes share a thread.
  package var dispatcherGroup: String?
  /// Their members may observe the device; empty: the daemon's settings apply.
  package var observeGroups: [String] = []
  /// Their members may control the device; empty: the daemon's settings apply.
  package var controlGroups: [String] = []

  enum Key: String, ConfigurationKey {
    case mode = "Mode"
    case rearm = "Rearm"
    case interrupt = "Interrupt"
    case vectors = "Vectors"
    case busMaster = "BusMaster"
    case policy = "Policy"
    case priority = "Priority"
    case processors = "CPUAffinity"
    case interruptProcessors = "InterruptCPUAffinity"
    case stackSize = "StackSize"
    case locksMemory = "MemoryLock"
    case latencyLimit = "CPULatencySec"
    case waitStrategy = "WaitStrategy"
    case spinBudget = "SpinBudgetSec"
    case stormLimit = "StormLimit"
    case stormShare = "StormShare"
    case stormAction = "StormAction"
    case stormDelay = "StormDelaySec"
    case stormDelayMax = "StormDelayMaxSec"
    case repeatLimit = "RepeatLimit"
    case acceptsAnySuccess = "AcceptAnySuccess"
    case connectsWithoutRoutines = "ConnectWithoutRoutines"
    case lockGroup = "LockGroup"
    case dispatcherGroup = "DispatcherGroup"
    case observeGroups = "ObserveGroup"
    case controlGroups = "ControlGroup"

    static let section = "Device"
    var isList: Bool {
      switch self {
      case .processors, .interruptProcessors, .observeGroups, .controlGroups: true
      default: false
      }
    }
  }

  package init() {}

  init(_ reader: inout SectionReader<Key>) {
    typealias Value = ConfigurationValue
    mode = reader.value(.mode, Value.choice(Self.modes)) ?? mode
    rearm = reader.value(.rearm, Value.choice(Self.strategies)) ?? nil
    interrupt = reader.value(.interrupt, Value.choice(Self.interrupts)) ?? nil
    vectors =
      reader.value(.vectors) { text throws(ValueFault) in try VectorSelection(text) } ?? vectors
    isBusMaster = reader.value(.busMaster, Value.boolean) ?? false
    dispatcher = Self.dispatcher(&reader)
    dispatcher.waiting = Self.waiting(&reader)
    storm = Self.storm(&reader)
    repeatLimit = reader.value(.repeatLimit, Value.integer(0...1_000_000_000)) ?? repeatLimit
    acceptsAnySuccess = reader.value(.acceptsAnySuccess, Value.boolean) ?? acceptsAnySuccess
    connectsWithoutRoutines =
      reader.value(.connectsWithoutRoutines, Value.boolean) ?? connectsWithoutRoutines
    lockGroup = reader.value(.lockGroup, Value.name)
    dispatcherGroup = reader.value(.dispatcherGroup, Value.name)
    observeGroups = reader.items(.observeGroups, Value.group)
    controlGroups = reader.items(.controlGroups, Value.group)
  }

  private static let modes = Dictionary(
    uniqueKeysWithValues: InterruptSyncMode.allCases.map { ($0.description, $0) })
  private static let strategies: [String: RearmStrategy?] = Dictionary(
    uniqueKeysWithValues: RearmStrategy.allCases.map { ($0.rawValue, $0) } + [("auto", nil)])

  private static let interrupts: [String: VFIOInterrupt?] = Dictionary(
    uniqueKeysWithValues: VFIOInterrupt.allCases.map { ($0.rawValue, $0) } + [("auto", nil)])

  private static func waiting(_ reader: inout SectionReader<Key>) -> WaitStrategy {
    typealias Value = ConfigurationValue
    let named = reader.value(
      .waitStrategy,
      Value.choice([
        "automatic": WaitStrategy.automatic, "block": .block, "adaptive": .adaptive(),
        "poll": .poll(),
      ]))
    let budget = reader.value(
      .spinBudget, Value.timeSpan(.microseconds(1) ... .milliseconds(1)))
    guard let budget else { return named ?? .automatic }
    if let named, named != .adaptive() {
      reader.report(
        .spinBudget,
        ValueFault(
          "only WaitStrategy=adaptive has a budget", hint: "remove it, or write adaptive"))
    }
    return .adaptive(budget: .nanoseconds(budget.nanoseconds))
  }

  private static func dispatcher(_ reader: inout SectionReader<Key>) -> DispatcherAttributes {
    typealias Value = ConfigurationValue
    enum Policy { case other, fifo, roundRobin }
    var attributes = DispatcherAttributes()
    let priority = reader.value(.priority, Value.integer(1...99 as ClosedRange<Int32>))
    let policy = reader.value(
      .policy, Value.choice(["other": Policy.other, "fifo": .fifo, "rr": .roundRobin]))
    switch (policy, priority) {
    case (.roundRobin, let priority?): attributes.policy = .roundRobin(priority)
    case (.fifo, let priority?): attributes.policy = .fifo(priority)
    // A priority without a policy means fifo.
    case (nil, let priority?) where !reader.has(.policy): attributes.policy = .fifo(priority)
    case (.fifo, nil) where !reader.has(.priority), (.roundRobin, nil) where !reader.has(.priority):
      reader.report(
        .policy, ValueFault("the policy needs a priority", hint: "give Priority="))
    default: break
    }
    attributes.processors = processors(&reader, .processors)
    attributes.interruptProcessors = processors(&reader, .interruptProcessors)
    attributes.stackSize =
      reader.value(.stackSize, Value.size((64 << 10)...(64 << 20))) ?? attributes.stackSize
    attributes.locksMemory = reader.value(.locksMemory, Value.boolean) ?? false
    attributes.latencyLimit = reader.value(.latencyLimit, latency)
    return attributes
  }

  private static func processors(_ reader: inout SectionReader<Key>, _ key: Key) -> Set<Int> {
    let lists = reader.items(key) { text throws(ValueFault) in
      guard let processors = ProcessorList.parse(text) else {
        throw ValueFault(
          "\"\(text)\" is not a list of processors below \(ProcessorList.limit)",
          hint: "write numbers and ranges, for instance 0 2-3")
      }
      return processors
    }
    return lists.reduce(into: []) { $0.formUnion($1) }
  }

  /// The kernel counts latency in microseconds.
  private static func latency(_ text: String) throws(ValueFault) -> Duration {
    let span = try ConfigurationValue.timeSpan(.nanoseconds(0) ... .seconds(1))(text)
    guard span.nanoseconds % 1000 == 0 else {
      throw ValueFault(
        "\(text) is not a whole number of microseconds", hint: "write it without a fraction")
    }
    return .nanoseconds(span.nanoseconds)
  }

  private static func storm(_ reader: inout SectionReader<Key>) -> StormPolicy {
    typealias Value = ConfigurationValue
    let standard = StormPolicy.standard
    let limit = reader.value(.stormLimit, Value.integer(0...UInt32.max)) ?? standard.limit
    let share = reader.value(.stormShare, Value.integer(0...100 as ClosedRange<UInt8>))
    let first = reader.value(.stormDelay, delay) ?? .milliseconds(10)
    let longest = reader.value(.stormDelayMax, delay) ?? max(first, .milliseconds(1000))
    if first > longest {
      reader.report(
        .stormDelayMax,
        ValueFault(
          "\(longest) is less than the \(first) of StormDelaySec=",
          hint: "write at least \(first)"))
    }
    let staysMasked =
      reader.value(.stormAction, Value.choice(["back-off": false, "stay-masked": true])) ?? false
    return StormPolicy(
      limit: limit, share: share,
      action: staysMasked
        ? .stayMasked
        : .backOff(
          first: .nanoseconds(first.nanoseconds), longest: .nanoseconds(longest.nanoseconds)))
  }

  /// The storm brake counts milliseconds.
  private static func delay(_ text: String) throws(ValueFault) -> TimeSpan {
    let span = try ConfigurationValue.timeSpan(.milliseconds(1) ... .seconds(3600))(text)
    guard span.nanoseconds % 1_000_000 == 0 else {
      throw ValueFault(
        "\(text) is not a whole number of milliseconds", hint: "write it without a fraction")
    }
    return span
  }
}
