import CUIO

/// Numbers from a seed, which is printed.
struct Random {
  private var state: UInt64

  init() {
    state = cuio_nanoseconds() | 1
    say("seed \(state)")
  }

  mutating func next(below bound: UInt32) -> UInt32 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt32(state % UInt64(bound))
  }
}
