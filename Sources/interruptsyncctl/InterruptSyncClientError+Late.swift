import InterruptSyncClient

extension InterruptSyncClientError {
  /// Nothing happened in the time that the command line gave.
  static func late(_ object: String, _ cause: String = "no interrupt came in time") -> Self {
    InterruptSyncClientError(
      .timedOut, object: object, operation: "wait", cause: cause,
      hint: "interruptsyncctl doctor may say why")
  }
}
