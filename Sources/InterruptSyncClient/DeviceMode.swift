/// How the list of a device's service routines is walked.
public enum DeviceMode: String, Sendable, CaseIterable {
  /// Until one claims the interrupt.
  case normal
  /// Every routine.
  case all
  /// Every routine, again and again until none claims.
  case `repeat`
}
