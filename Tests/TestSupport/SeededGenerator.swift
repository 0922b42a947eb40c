import Glibc

/// Random choices that can be repeated: the seed is printed, and INTERRUPTSYNC_SEED sets it.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  public init(for test: String = #function) {
    let given = getenv("INTERRUPTSYNC_SEED").flatMap { UInt64(String(cString: $0)) }
    state = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("\(test): INTERRUPTSYNC_SEED=\(state)")
  }

  /// SplitMix64.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
