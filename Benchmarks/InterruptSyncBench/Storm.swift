import CFloor
import CUIO
import Glibc
import InterruptSync

/// An object on a line that storms until it is told to end.
@safe final class Storm {
  private let line: Int32
  private let object: InterruptSyncObject
  private let link = UnsafeMutablePointer<floor_link>.allocate(capacity: 1)
  private let isRunning = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

  init(_ machine: Machine) throws {
    line = linux_event_create()
    unsafe isRunning.initialize(to: 1)
    unsafe link.initialize(to: floor_link(fd: line, running: UnsafePointer(isRunning)))
    object = InterruptSyncObject(
      source: try FileDescriptorLine(line, format: .eventCounter), mode: .normal,
      options: InterruptSyncOptions(
        dispatcher: DispatcherAttributes(processors: [machine.processor], waiting: .block)))
    unsafe try object.registerServiceRoutine(floor_storm, context: link)
    try object.connect()
    _ = linux_event_signal(line, 1)
  }

  func end() { try? object.disconnect() }

  deinit {
    try? object.disconnect()
    close(line)
    unsafe link.deallocate()
    unsafe isRunning.deallocate()
  }
}
