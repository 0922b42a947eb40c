import Glibc

/// A number of repetitions, a tenth of it under a sanitizer, which makes everything several times
/// slower.
func repetitions(_ count: Int) -> Int {
  getenv("INTERRUPTSYNC_SANITIZER") != nil ? count / 10 : count
}

/// Random choices that can be repeated: the seed is printed, and INTERRUPTSYNC_SEED sets it.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(for test: String) {
    let given = getenv("INTERRUPTSYNC_SEED").flatMap { UInt64(String(cString: $0)) }
    state = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("\(test): INTERRUPTSYNC_SEED=\(state)")
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A few bytes changed, added, removed or repeated.
  mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0..<4, using: &self) {
      let place = Int.random(in: 0...bytes.count, using: &self)
      let byte = UInt8.random(in: 0...255, using: &self)
      switch Int.random(in: 0..<4, using: &self) {
      case 0: bytes.insert(byte, at: place)
      case 1 where place < bytes.count: bytes.remove(at: place)
      case 2 where place < bytes.count: bytes[place] = byte
      default: bytes += bytes[place...].prefix(8)
      }
    }
    return bytes
  }
}
