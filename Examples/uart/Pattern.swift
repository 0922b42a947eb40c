/// Bytes that sender and receiver can each make: SplitMix64, which never repeats itself in what a
/// wire carries in a day.
struct Pattern: Sendable {
  private var state: UInt64
  /// FNV-1a of what was added.
  private(set) var checksum: UInt64 = 0xcbf2_9ce4_8422_2325

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt8 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return UInt8(truncatingIfNeeded: mixed ^ mixed >> 31)
  }

  mutating func add(_ byte: UInt8) { checksum = (checksum ^ UInt64(byte)) &* 0x100_0000_01b3 }
}
