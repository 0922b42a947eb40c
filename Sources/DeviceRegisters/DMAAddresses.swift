// Addresses at which devices see memory: which there are, and which are taken. Floor 2; DMASpace of
// VFIO, MachineMemory of UIO and the common buffers of the Windows interfaces hold one each. A
// value, for any thread at PASSIVE_LEVEL: its owner's monitor is held in every change.

/// First fit, lowest address first: many devices reach no more than 32 bits.
package struct DMAAddresses {
  /// Below it nothing is given away: an address of 0 looks like none.
  static let lowest: UInt64 = 1 << 20

  /// Which there are, lowest first.
  private let offered: [ClosedRange<UInt64>]
  /// Lowest first, none overlapping.
  private var taken: [ClosedRange<UInt64>] = []

  /// All that there are.
  package static var all: DMAAddresses { DMAAddresses([0...UInt64.max]) }

  /// - Parameter offered: lowest first.
  package init(_ offered: [ClosedRange<UInt64>]) { self.offered = offered }

  /// Takes `size` addresses whose first is a multiple of `alignment`, a power of two. Nil when
  /// there are no such.
  package mutating func take(_ size: UInt64, alignment: UInt64) -> UInt64? {
    for range in offered {
      var candidate = max(range.lowerBound, Self.lowest)
      var index = 0
      while let wanted = Self.place(size, from: candidate, alignment),
        wanted.upperBound <= range.upperBound
      {
        while index < taken.count, taken[index].upperBound < wanted.lowerBound { index += 1 }
        guard index < taken.count, taken[index].lowerBound <= wanted.upperBound else {
          taken.insert(wanted, at: index)
          return wanted.lowerBound
        }
        guard taken[index].upperBound < .max else { break }
        candidate = taken[index].upperBound + 1
      }
    }
    return nil
  }

  package mutating func give(_ first: UInt64) { taken.removeAll { $0.lowerBound == first } }

  /// Nil beyond the last address that there is.
  private static func place(
    _ size: UInt64, from start: UInt64, _ alignment: UInt64
  ) -> ClosedRange<UInt64>? {
    let (sum, overflows) = start.addingReportingOverflow(alignment - 1)
    let first = sum & ~(alignment - 1)
    let (last, ends) = first.addingReportingOverflow(size - 1)
    return overflows || ends ? nil : first...last
  }
}
