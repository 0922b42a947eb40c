/// An error number of a system call, before it has a meaning.
package struct SystemFailure: Error, Equatable {
  package let number: Int32
  package init(_ number: Int32) { self.number = number }

  /// The calls that tests can make fail.
  package enum Call: Sendable { case open, read, readlink, opendir, stat, map, irqControl }

  /// Which calls fail, on this thread and for the duration of a test.
  @TaskLocal package static var injected: (@Sendable (Call, String) -> Int32?)?

  package static func inject(_ call: Call, _ path: String) throws(SystemFailure) {
    if let number = injected?(call, path) { throw SystemFailure(number) }
  }
}
