/// How certain a median is: rounds are drawn again and again from those measured, with repetition, and
/// the medians of what was drawn scatter as those of other runs would.
enum Bootstrap {
  private static let draws = 2_000
  /// The same for every run, so that a run's figures can be computed again.
  private static let seed: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Where the median of `values` lies with 95 %.
  static func interval(_ values: [Double]) -> ClosedRange<Double> {
    guard let first = values.first else { return 0...0 }
    guard values.count > 1 else { return first...first }
    var random = SplitMix(state: seed)
    var drawn = values
    let medians = (0..<draws).map { _ in
      for index in drawn.indices { drawn[index] = values[random.next(below: values.count)] }
      return Measurement.median(drawn)
    }.sorted()
    return medians[draws / 40]...medians[draws - 1 - draws / 40]
  }

  private struct SplitMix {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      mixed ^= mixed >> 31
      return Int(mixed.multipliedFullWidth(by: UInt64(bound)).high)
    }
  }
}
