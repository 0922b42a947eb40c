import CFloor
import InterruptSync

/// InterruptSync, each line with an object and a thread of its own.
final class CoreServer: Server {
  let name: String
  let target: Target
  let objects: [InterruptSyncObject]

  init(
    _ name: String, _ target: Target, _ attributes: DispatcherAttributes,
    lock: InterruptLock? = nil
  ) throws {
    self.name = name
    self.target = target
    var objects: [InterruptSyncObject] = []
    for line in 0..<target.count {
      let source = try FileDescriptorLine(
        target.descriptor(line), format: target.kind == PROBE_EVENT ? .eventCounter : .totals)
      let object = InterruptSyncObject(
        source: source, mode: .all, lock: lock,
        options: InterruptSyncOptions(dispatcher: attributes))
      for routine in 0..<target.routines {
        unsafe try object.registerServiceRoutine(
          probe_stamp, context: target.context(line: line, routine: routine))
      }
      try object.connect()
      objects.append(object)
    }
    self.objects = objects
  }

  deinit { for object in objects { try? object.disconnect() } }

  var counted: UInt64? { objects.reduce(0) { $0 + $1.statistics().interrupts } }
}
