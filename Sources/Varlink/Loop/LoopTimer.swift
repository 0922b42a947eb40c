/// Names one timer of a loop.
package struct LoopTimer: Hashable, Sendable {
  let number: UInt64
}
