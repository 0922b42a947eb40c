/// Somebody who serves a target's lines.
protocol Server: AnyObject {
  var name: String { get }
  var target: Target { get }
  /// Interrupts counted, if it counts them.
  var counted: UInt64? { get }
}
