/// A memory region that a UIO driver offers to mmap, as `maps/mapN` describes it (fact 37).
public struct UIOMap: Equatable, Sendable {
  /// N, which is also the page offset that mmap takes (fact 33).
  public let index: Int
  /// May be empty, and need not be unique (fact 40).
  public let name: String
  /// Physical address of the start of the mapping; kernels round it down to a page (fact 35).
  public let address: UInt64
  /// Bytes from `address` on, as the driver states them.
  public let size: UInt64
  /// Where in the first page the registers begin (fact 35).
  public let offset: UInt64

  /// Bytes that may be used: what the driver states, less what lies before the registers (fact 35).
  public var usableSize: UInt64 { size > offset ? size - offset : 0 }
}
