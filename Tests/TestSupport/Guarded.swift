// A value that several threads of a test use, guarded by what the thread sanitizer can see: it does not
// see Synchronization's Mutex.
package import LinuxSystem

package final class Guarded<Value>: @unchecked Sendable {
  private let monitor = Monitor()
  private var value: Value

  package init(_ value: Value) { self.value = value }

  package func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    try monitor.locked { () throws(E) in try body(&value) }
  }
}
