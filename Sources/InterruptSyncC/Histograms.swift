// Floor 5. The histograms of interruptsync/statistics.h. Any thread at PASSIVE_LEVEL; nothing here takes
// a lock that a routine can hold, but the call that begins to keep them.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CHandleTable
public import CInterruptSync
import Glibc
import InterruptSync

@c @implementation
public func interruptsync_object_keep_histograms(_ object: OpaquePointer?) -> Int32 {
  attempt {
    unsafe try InterruptSyncObject.of(object).keepHistograms()
    return 0
  }
}

@c @implementation
public func interruptsync_object_get_histogram(
  _ object: OpaquePointer?, _ time: UInt32, _ period: UInt32,
  _ histogram: UnsafeMutablePointer<interruptsync_histogram>?,
  _ buckets: UnsafeMutablePointer<interruptsync_histogram_bucket>?, _ capacity: Int
) -> Int32 {
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    let counted = try object.counted(try quantity(time), try span(period))
    guard unsafe capacity == 0 || buckets != nil else {
      throw Failure.invalid("buckets is NULL, and capacity is not 0")
    }
    func within(_ percent: Double) -> UInt64 { counted.percentile(percent)?.inNanoseconds ?? 0 }
    unsafe try give(
      interruptsync_histogram(
        size: 0, count: counted.count, sum: counted.sum.inNanoseconds, p50: within(50),
        p90: within(90), p99: within(99), p999: within(99.9),
        longest: counted.longest?.inNanoseconds ?? 0,
        bucket_count: UInt64(counted.buckets.count)), to: histogram)
    for (index, bucket) in counted.buckets.prefix(capacity).enumerated() {
      unsafe buckets?[index] = interruptsync_histogram_bucket(
        lower: bucket.lower.inNanoseconds, upper: bucket.upper.inNanoseconds, count: bucket.count)
    }
    return 0
  }
}

@c @implementation
public func interruptsync_object_reset_histograms(_ object: OpaquePointer?) -> Int32 {
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    _ = try object.counted(.service, .start)
    object.resetHistograms()
    return 0
  }
}

@c @implementation
public func interruptsync_object_turn_histogram_window(_ object: OpaquePointer?) -> Int32 {
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    _ = try object.counted(.service, .start)
    object.turnHistogramWindow()
    return 0
  }
}

@c @implementation
public func interruptsync_object_note_cause(
  _ object: OpaquePointer?, _ nanoseconds: UInt64
) -> Int32 {
  attempt {
    let object = unsafe try InterruptSyncObject.of(object)
    guard object.lock.isHeldByCaller else {
      throw Failure(
        number: EPERM, text: "\(object.name): call it from one of the object's service routines")
    }
    object.noteCause(at: .nanoseconds(Int64(clamping: nanoseconds)))
    return 0
  }
}

extension InterruptSyncObject {
  fileprivate func counted(
    _ quantity: InterruptHistogram.Quantity, _ period: InterruptHistogram.Period
  ) throws(Failure) -> InterruptHistogram {
    guard let histogram = histogram(of: quantity, over: period) else {
      throw Failure(
        number: ENODATA,
        text: "\(name) keeps no histograms: call interruptsync_object_keep_histograms() first")
    }
    return histogram
  }
}

private func quantity(_ time: UInt32) throws(Failure) -> InterruptHistogram.Quantity {
  switch Int(time) {
  case Int(INTERRUPTSYNC_TIME_SERVICE): .service
  case Int(INTERRUPTSYNC_TIME_WAIT): .wait
  case Int(INTERRUPTSYNC_TIME_INTERVAL): .interval
  case Int(INTERRUPTSYNC_TIME_LATENCY): .latency
  default: throw .invalid("\(time) is none of INTERRUPTSYNC_TIME_")
  }
}

private func span(_ period: UInt32) throws(Failure) -> InterruptHistogram.Period {
  switch Int(period) {
  case Int(INTERRUPTSYNC_SINCE_START): .start
  case Int(INTERRUPTSYNC_SINCE_RESET): .reset
  case Int(INTERRUPTSYNC_IN_WINDOW): .window
  default: throw .invalid("\(period) is none of INTERRUPTSYNC_SINCE_START, _RESET or _IN_WINDOW")
  }
}
