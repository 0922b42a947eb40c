// interruptsync/group.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CInterruptSync
import InterruptSync

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
