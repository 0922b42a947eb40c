import CUIO
import Glibc
import InterruptSync

/// Raises the next interrupt from the service routine as long as there are some left, and then wakes
/// who waits for the last. The dispatcher's thread alone changes `left`.
@safe final class WakeUp: @unchecked Sendable {
  private let line: SoftwareLine
  private var left: UInt64
  private let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init(line: SoftwareLine, left: UInt64) {
    self.line = line
    self.left = left
    unsafe done.initialize(to: sem_t())
    unsafe sem_init(done, 0, 0)
  }

  deinit {
    unsafe sem_destroy(done)
    unsafe done.deallocate()
  }

  func wait() {
    while unsafe sem_wait(done) != 0 {}
  }

  static let raise: InterruptSyncRoutine = { _, context in
    guard let context = unsafe context else { return -1 }
    return unsafe Unmanaged<WakeUp>.fromOpaque(context)._withUnsafeGuaranteedRef { event in
      event.left -= 1
      if event.left > 0 { event.line.trigger() } else { unsafe sem_post(event.done) }
      return 0
    }
  }
}
