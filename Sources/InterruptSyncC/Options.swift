// The structs of choices in interruptsync/object.h, as the core has them.
import CInterruptSync
import Glibc
import InterruptSync

extension DispatcherAttributes {
  /// - Parameter attributes: NULL for defaults.
  init(_ attributes: UnsafePointer<interruptsync_thread_attributes>?) throws(Failure) {
    self.init()
    guard let attributes = unsafe attributes else { return }
    let given = unsafe try take(attributes)
    switch unsafe given.policy {
    case SCHED_OTHER: policy = .other
    case SCHED_FIFO: policy = .fifo(unsafe given.priority)
    case SCHED_RR: policy = .roundRobin(unsafe given.priority)
    default: throw .invalid("\(unsafe given.policy) is not SCHED_OTHER, SCHED_FIFO or SCHED_RR")
    }
    processors = unsafe Self.processors(given.processors)
    interruptProcessors = unsafe Self.processors(given.interrupt_processors)
    waiting = unsafe try Self.waiting(given)
    locksMemory = unsafe given.locks_memory
    if unsafe given.limits_latency { latencyLimit = unsafe .microseconds(given.latency_limit) }
    if unsafe given.stack_size != 0 {
      guard unsafe given.stack_size <= 1 << 32 else { throw .invalid("the stack is too large") }
      stackSize = Int(unsafe given.stack_size)
    }
    if let text = unsafe given.name { name = unsafe String(cString: text) }
  }

  /// Bit n of the array is processor n.
  private static func processors<T>(_ array: T) -> Set<Int> {
    unsafe withUnsafeBytes(of: array) { bytes in
      let words = unsafe bytes.bindMemory(to: UInt64.self)
      return Set(
        (0..<1024).filter { unsafe words[$0 / 64] >> UInt64($0 % 64) & 1 != 0 })
    }
  }

  private static func waiting(_ given: interruptsync_thread_attributes) throws(Failure)
    -> WaitStrategy
  {
    let time = unsafe given.wait_time
    switch unsafe Int(given.waiting) {
    case INTERRUPTSYNC_WAIT_AUTOMATIC: return .automatic
    case INTERRUPTSYNC_WAIT_BLOCK: return .block
    case INTERRUPTSYNC_WAIT_ADAPTIVE: return .adaptive(budget: time == 0 ? nil : .nanoseconds(time))
    case INTERRUPTSYNC_WAIT_POLL: return time == 0 ? .poll() : .poll(idle: .nanoseconds(time))
    default: throw .invalid("\(unsafe given.waiting) is not a way to wait")
    }
  }
}

extension StormPolicy {
  init(_ given: interruptsync_object_options) throws(Failure) {
    self = .standard
    switch unsafe given.storm_limit {
    case 0: break
    case .max: limit = 0
    default: limit = unsafe given.storm_limit
    }
    if unsafe given.storm_stays_masked {
      action = .stayMasked
      return
    }
    let first = unsafe given.storm_first_pause == 0 ? 10 : given.storm_first_pause
    let longest = unsafe given.storm_longest_pause == 0 ? 1000 : given.storm_longest_pause
    guard first <= longest, longest <= 3_600_000 else {
      throw .invalid("pauses of a storm must grow, to an hour at most")
    }
    action = .backOff(first: .milliseconds(first), longest: .milliseconds(longest))
  }
}

extension InterruptSyncOptions {
  init(_ given: interruptsync_object_options, handle: OpaquePointer) throws(Failure) {
    let storm = unsafe try StormPolicy(given)
    let attributes = unsafe try DispatcherAttributes(given.dispatcher)
    self.init(
      storm: storm, acceptsAnySuccess: unsafe given.accepts_any_success,
      connectsWithoutRoutines: unsafe given.connects_without_routines, dispatcher: attributes)
    if let group = unsafe given.group { self.group = unsafe try DispatcherGroup.of(group) }
    switch unsafe given.repeat_limit {
    case 0: break
    case .max: repeatLimit = 0
    default: repeatLimit = unsafe given.repeat_limit
    }
    if let handler = unsafe given.report {
      let sink = unsafe ReportSink(
        object: handle, handler: handler, context: unsafe given.report_context)
      report = { sink.send($0) }
    }
  }
}
