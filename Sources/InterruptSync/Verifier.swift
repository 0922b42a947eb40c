import Glibc
import Synchronization

/// What happens when a caller breaks a rule of levels and locks (N23). Always an error to the
/// caller; in checked mode, meant for development and tests, the process stops with the rule's
/// sentence instead.
public enum Verifier {
  private static let checked = Atomic<Bool>(false)

  /// Off unless set.
  public static var isChecked: Bool {
    get { checked.load(ordering: .relaxed) }
    set { checked.store(newValue, ordering: .relaxed) }
  }

  static func violation(_ error: InterruptSyncError) -> InterruptSyncError {
    // Not a precondition, which stops an optimized program without a word.
    if isChecked { fatalError(error.description) }
    return error
  }
}
