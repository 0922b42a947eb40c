// A group's lines, of which the first alone fires.
import InterruptSync

enum GroupProbe {
  static func dispatch(_ count: UInt64, lines: Int) throws {
    let group = try DispatcherGroup(attributes: DispatcherAttributes(waiting: .block))
    let options = InterruptSyncOptions(group: group)
    let sources = try (0..<lines).map { _ in try SoftwareLine() }
    let event = WakeUp(line: sources[0], left: count)
    let objects = sources.map { InterruptSyncObject(source: $0, mode: .all, options: options) }
    for object in objects {
      unsafe try object.registerServiceRoutine(
        WakeUp.raise, context: Unmanaged.passUnretained(event).toOpaque())
      try object.connect()
    }
    sources[0].trigger()
    event.wait()
    for object in objects { try object.disconnect() }
  }
}
