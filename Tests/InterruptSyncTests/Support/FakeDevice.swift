// A UIO device made of a socket pair that keeps message boundaries: reading its descriptor yields
// counts of 4 bytes, writing it is irqcontrol, and the test sees what was written.
import CUIO
import Glibc
import Synchronization
import UIO

@testable import InterruptSync

final class FakeDevice: InterruptSource, @unchecked Sendable {
  let name = "fake"
  private let raw = UnsafeMutablePointer<cuio_line>.allocate(capacity: 1)
  private let file: FileDescriptor
  private var device: Int32
  private var total: UInt32 = 0
  private let isClaimed = Atomic<Bool>(false)
  let attaches = Counter()
  let detaches = Counter()

  private static let filler: Int32 = 0x7f7f_7f7f

  init() {
    signal(SIGPIPE, SIG_IGN)
    var pair: [Int32] = [-1, -1]
    let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    precondition(socketpair(AF_UNIX, type, 0, &pair) == 0)
    file = FileDescriptor(adopting: pair[0])
    device = pair[1]
    raw.initialize(
      to: cuio_line(
        fd: pair[0], rearm_fd: pair[0], format: CUIO_COUNT_TOTAL32, rearm: CUIO_REARM_IRQCONTROL,
        total: 0, command: 0, hooks: 0))
  }

  deinit {
    unplug()
    raw.deallocate()
  }

  func attach() throws(InterruptSyncError) -> InterruptLine {
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else {
      throw InterruptSyncError.lineBusy(name)
    }
    attaches.add()
    return InterruptLine(raw)
  }

  func detach() {
    detaches.add()
    isClaimed.store(false, ordering: .releasing)
  }

  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    let kernel: UIOOperation = operation == .read ? .read : .irqControl
    return InterruptSyncError(
      object: name, operation: operation.rawValue, kernel.error(errno, device: name))
  }

  /// Raises one interrupt, or several that the kernel coalesces.
  func interrupt(_ count: UInt32 = 1) {
    total &+= count
    send(total)
  }

  private func send(_ total: UInt32) {
    var total = total
    while write(device, &total, 4) < 0, errno == EAGAIN { usleep(100) }
  }

  /// A record of `count` bytes instead of 4.
  func sendRecord(ofBytes count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    precondition(write(device, bytes, count) == count)
  }

  /// The next value written to irqcontrol, waited for.
  func nextWrite() throws -> Int32 {
    var value: Int32 = 0
    try eventually("a write to irqcontrol") {
      repeat {
        if read(device, &value, 4) != 4 { return false }
      } while value == Self.filler
      return true
    }
    return value
  }

  /// What was written and not yet looked at.
  func writes() -> [Int32] {
    var values: [Int32] = []
    var value: Int32 = 0
    while read(device, &value, 4) == 4 { if value != Self.filler { values.append(value) } }
    return values
  }

  /// From now on irqcontrol answers EAGAIN, until `writes()` or `nextWrite()` is called.
  func refuseRearms() {
    var filler = Self.filler
    while write(raw.pointee.fd, &filler, 4) == 4 {}
  }

  /// The device goes away: reads end, irqcontrol fails.
  func unplug() {
    guard device >= 0 else { return }
    // What is left unread would turn the end into a reset.
    _ = writes()
    close(device)
    device = -1
  }
}
