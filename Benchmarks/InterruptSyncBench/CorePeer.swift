import CFloor
import Glibc
import InterruptSync
import Synchronization

/// The untyped core doing what a Windows surface does: a software line with one object, whose
/// routine raises the next interrupt.
@safe final class CorePeer {
  private final class State: Sendable {
    let line: SoftwareLine
    let isFiring = Atomic<Bool>(false)
    init() throws { line = try SoftwareLine() }
  }

  private let state: State
  private let object: InterruptSyncObject
  private let count = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

  init() throws {
    state = try State()
    unsafe count.initialize(to: 0)
    object = InterruptSyncObject(source: state.line, mode: .normal)
    unsafe try object.registerServiceRoutine(
      { _, context in
        unsafe Unmanaged<State>.fromOpaque(context!)._withUnsafeGuaranteedRef {
          if $0.isFiring.load(ordering: .relaxed) { $0.line.trigger() }
        }
        return 0
      }, context: Unmanaged.passUnretained(state).toOpaque())
    try object.connect()
  }

  deinit {
    try? object.disconnect()
    unsafe count.deallocate()
  }

  func call(_ calls: UInt64) {
    for _ in 0..<calls { _ = unsafe object.callSynchronizedRoutine(floor_count, context: count) }
  }

  /// Nanoseconds an interrupt of a line that fires as fast as it is served.
  func pace(_ window: useconds_t) -> Double {
    state.isFiring.store(true, ordering: .relaxed)
    state.line.trigger()
    defer { state.isFiring.store(false, ordering: .relaxed) }
    return Rounds.pace(window) { object.dispatchCount }
  }
}
