// A device with one line, as UIO shows one whose every interrupt masks it: it asks for service until it is answered, and
// interrupts when it asks and nothing masks it. The test can count what it did, so nothing is lost without being seen.
import CLinuxSystem
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization

final class Device: Sendable {
  struct State {
    var asksForService = false
    var isMasked = true
    /// What it has counted in the descriptor.
    var interrupts: UInt64 = 0
    var answers: UInt64 = 0
  }

  let event: FileDescriptor
  let line: FileDescriptorLine
  // Not a Monitor, which has pause points.
  private let state: StateBox

  private final class StateBox: Sendable {
    let value = Mutex(State())
    let event: Int32
    init(_ event: Int32) { self.event = event }
  }

  /// - Parameter isForgetful: one that asks while it is masked does not interrupt when it is unmasked: a mistake.
  init(isForgetful: Bool = false) throws {
    let descriptor = linux_event_create()
    guard descriptor >= 0 else { throw SystemError(-descriptor, "make an eventfd") }
    event = FileDescriptor(adopting: descriptor)
    let state = StateBox(descriptor)
    self.state = state
    line = try FileDescriptorLine(
      descriptor, format: .eventCounter, name: "device",
      masking: .eachInterrupt(
        mask: {
          state.value.withLock { $0.isMasked = true }
          return 0
        },
        unmask: {
          state.value.withLock {
            $0.isMasked = false
            if !isForgetful { Self.interrupt(&$0, descriptor) }
          }
          return 0
        }))
  }

  private static func interrupt(_ state: inout State, _ event: Int32) {
    guard state.asksForService, !state.isMasked else { return }
    state.isMasked = true
    state.interrupts += 1
    _ = linux_event_signal(event, 1)
  }

  /// It asks for service.
  func ask() {
    state.value.withLock {
      $0.asksForService = true
      Self.interrupt(&$0, event.raw)
    }
  }

  /// A routine answers. Whether the device had asked.
  func answer() -> Bool {
    state.value.withLock {
      guard $0.asksForService else { return false }
      $0.asksForService = false
      $0.answers += 1
      return true
    }
  }

  var now: State { state.value.withLock { $0 } }

  /// What is in the descriptor and has not been read. Last of all: it reads it.
  func takeUnread() -> UInt64 {
    var value: UInt64 = 0
    var polled = pollfd(fd: event.raw, events: Int16(POLLIN), revents: 0)
    guard poll(&polled, 1, 0) == 1, read(event.raw, &value, 8) == 8 else { return 0 }
    return value
  }
}
