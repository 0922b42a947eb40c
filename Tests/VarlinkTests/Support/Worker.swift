import Glibc
import Synchronization
import Testing

/// A thread of a test's own.
final class Worker: @unchecked Sendable {
  private final class Start {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  private var thread = pthread_t()

  init(_ body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(body)).toOpaque()
    let result = pthread_create(
      &thread, nil,
      { context in
        Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().body()
        return nil
      }, start)
    precondition(result == 0)
  }

  func join() { pthread_join(thread, nil) }
}
