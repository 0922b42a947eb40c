import CFloor
import InterruptSync

/// InterruptSync, all lines on one thread.
final class GroupServer: Server {
  let name: String
  let target: Target
  private let objects: [InterruptSyncObject]

  init(_ name: String, _ target: Target, _ attributes: DispatcherAttributes) throws {
    self.name = name
    self.target = target
    let group = try DispatcherGroup(attributes: attributes)
    objects = try (0..<target.count).map { line in
      let source = try FileDescriptorLine(
        target.descriptor(line), format: target.kind == PROBE_EVENT ? .eventCounter : .totals)
      let object = InterruptSyncObject(
        source: source, mode: .all, options: InterruptSyncOptions(group: group))
      unsafe try object.registerServiceRoutine(
        probe_stamp, context: target.context(line: line, routine: 0))
      try object.connect()
      return object
    }
  }

  deinit { for object in objects { try? object.disconnect() } }

  var counted: UInt64? { objects.reduce(0) { $0 + $1.statistics().interrupts } }
}
