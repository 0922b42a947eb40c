// Floor 5. interruptsync/group.h and deferred.h: the library's threads that a program can make,
// their attributes, and the reports that leave them. Programs in C make and flush them on any
// thread at PASSIVE level, and queue deferred routines at any level, also in a routine. A report
// leaves without a lock, on the dispatcher or the group's, or for a refused attribute on the thread
// that connects or makes the group. Objects.swift uses the attributes and the reports.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
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
    default: throw .invalid("\(unsafe given.waiting) is not a wait strategy")
    }
  }
}

/// Reports of the core on their way to a C handler. On the dispatcher's thread, with no lock held.
@safe struct ReportSink: @unchecked Sendable {
  /// NULL for a group's.
  let object: OpaquePointer?
  let handler: interruptsync_report_handler
  let context: UnsafeMutableRawPointer?

  func send(_ report: InterruptReport) {
    unsafe report.description.withCString { text in
      var answer = unsafe interruptsync_report()
      unsafe answer.size = MemoryLayout<interruptsync_report>.size
      unsafe answer.text = unsafe text
      let (kind, error, count) = Self.parts(report)
      unsafe answer.kind = UInt32(kind)
      unsafe answer.error = error.map { -$0.number } ?? 0
      unsafe answer.count = count
      unsafe handler(object, &answer, context)
    }
  }

  private static func parts(_ report: InterruptReport) -> (Int, InterruptSyncError?, UInt64) {
    switch report {
    case .removed(let error): (INTERRUPTSYNC_REPORT_REMOVED, error, 0)
    case .failed(let error): (INTERRUPTSYNC_REPORT_FAILED, error, 0)
    case .stormBegan(let unclaimed): (INTERRUPTSYNC_REPORT_STORM_BEGAN, nil, unclaimed)
    case .claimedStormBegan(let rate, _): (INTERRUPTSYNC_REPORT_CLAIMED_STORM_BEGAN, nil, rate)
    case .costly(let rate, _): (INTERRUPTSYNC_REPORT_COSTLY, nil, rate)
    case .stormEnded: (INTERRUPTSYNC_REPORT_STORM_ENDED, nil, 0)
    case .repeatLimitReached(let passes): (INTERRUPTSYNC_REPORT_REPEAT_LIMIT, nil, passes)
    case .rearmFailed(let error): (INTERRUPTSYNC_REPORT_REARM_FAILED, error, 0)
    case .rearmRecovered: (INTERRUPTSYNC_REPORT_REARM_RECOVERED, nil, 0)
    case .attributeRefused(let error): (INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED, error, 0)
    case .affinityLost(let error): (INTERRUPTSYNC_REPORT_AFFINITY_LOST, error, 0)
    case .affinityRestored(let what): (INTERRUPTSYNC_REPORT_AFFINITY_RESTORED, nil, what.losses)
    }
  }
}

// MARK: Groups

@c @implementation
public func interruptsync_group_create(
  _ name: UnsafePointer<CChar>?, _ attributes: UnsafePointer<interruptsync_thread_attributes>?,
  _ report: interruptsync_report_handler?, _ context: UnsafeMutableRawPointer?,
  _ group: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard unsafe group != nil else { throw Failure.noRoom("group") }
    let name = unsafe name.map { unsafe String(cString: $0) } ?? "group"
    let sink = unsafe report.map { unsafe ReportSink(object: nil, handler: $0, context: context) }
    let made = unsafe try DispatcherGroup(
      name: name, attributes: DispatcherAttributes(attributes)
    ) { sink?.send($0) }
    unsafe try made.give(to: group)
    return 0
  }
}

@c @implementation
public func interruptsync_group_get_statistics(
  _ group: OpaquePointer?, _ statistics: UnsafeMutablePointer<interruptsync_group_statistics>?
) -> Int32 {
  attempt {
    let group = unsafe try DispatcherGroup.of(group)
    let now = group.statistics()
    unsafe try give(
      interruptsync_group_statistics(
        size: 0, lines: UInt64(group.lineCount), spins_found: now.spinsFound,
        spins_in_vain: now.spinsInVain, sleeps: now.sleeps), to: statistics)
    return 0
  }
}

// MARK: Deferred routines

@c @implementation
public func interruptsync_queue_create(
  _ name: UnsafePointer<CChar>?, _ attributes: UnsafePointer<interruptsync_thread_attributes>?,
  _ queue: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    guard unsafe queue != nil else { throw Failure.noRoom("queue") }
    let name = unsafe name.map { unsafe String(cString: $0) } ?? "deferred"
    let made = unsafe try DeferredQueue(name: name, attributes: DispatcherAttributes(attributes))
    unsafe try made.give(to: queue)
    return 0
  }
}

@c @implementation
public func interruptsync_queue_flush(_ queue: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try DeferredQueue.of(queue).flush()
    return 0
  }
}

@c @implementation
public func interruptsync_deferred_create(
  _ queue: OpaquePointer?, _ routine: interruptsync_deferred_routine?,
  _ context: UnsafeMutableRawPointer?, _ deferred: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let queue = unsafe try DeferredQueue.of(queue)
    guard let routine = unsafe routine else { throw Failure.invalid("the routine is NULL") }
    unsafe try DeferredRoutine(on: queue, routine, context: context).give(to: deferred)
    return 0
  }
}

@c @implementation
public func interruptsync_deferred_enqueue(
  _ deferred: OpaquePointer?, _ argument1: UnsafeMutableRawPointer?,
  _ argument2: UnsafeMutableRawPointer?
) -> Int32 {
  attempt { unsafe try DeferredRoutine.of(deferred).enqueue(argument1, argument2) ? 1 : 0 }
}

@c @implementation
public func interruptsync_deferred_remove(_ deferred: OpaquePointer?) -> Int32 {
  attempt { unsafe try DeferredRoutine.of(deferred).remove() ? 1 : 0 }
}
