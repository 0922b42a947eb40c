/// A server of a target's lines: ours or a peer.
protocol Server: AnyObject {
  var name: String { get }
  var target: Target { get }
  /// Interrupts counted, if it counts them.
  var counted: UInt64? { get }
}
