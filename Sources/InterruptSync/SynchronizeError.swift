/// Why a synchronized body that can throw gave no result.
public enum SynchronizeError<Body: Error>: Error, CustomStringConvertible {
  /// The body did not run: `wouldDeadlock` when the calling thread already holds the lock (N4),
  /// `lockOwnerDied`; from the async form also `resourcesExhausted`.
  case refused(InterruptSyncError)
  /// The body ran and threw this.
  case body(Body)

  /// The refusal's sentence, or the body's error.
  public var description: String {
    switch self {
    case .refused(let error): error.description
    case .body(let error): String(describing: error)
    }
  }
}

extension SynchronizeError: Equatable where Body: Equatable {}
