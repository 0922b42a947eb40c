// Configuration room. Vectors=, which interrupts of a device of VFIO are serviced, and Vector= of a
// routine. DeviceSettings and RoutineSettings make it; DeviceRegistry+Vectors reads it. Pure
// values, on the control thread; no lock.

/// Some of the vectors of a device.
package enum VectorSelection: Equatable, Sendable {
  /// The first so many, or as many as there are.
  case first(Int)
  /// These, in ascending order.
  case listed([Int])

  /// Without Vectors=: each has a thread of its own.
  package static let standard = VectorSelection.first(16)
  /// MSI-X has no more.
  static let limit = 2048

  /// The vectors of a device that has `count`. Listed ones that it does not have are among them, and fail by name.
  package func numbers(of count: Int) -> [Int] {
    switch self {
    case .first(let number): Array(0..<min(number, count))
    case .listed(let numbers): numbers
    }
  }

  /// A number of vectors, or a list of vectors and ranges: `4`, `0-3`, `0 2 5-7`.
  init(_ text: String) throws(ValueFault) {
    if let count = Int(text), text.allSatisfy(\.isNumber) {
      guard (1...Self.limit).contains(count) else { throw Self.fault(text) }
      self = .first(count)
    } else {
      self = .listed(try Self.list(text))
    }
  }

  /// Vectors and ranges, ascending.
  static func list(_ text: String) throws(ValueFault) -> [Int] {
    var numbers: Set<Int> = []
    for item in text.split(whereSeparator: { $0 == " " || $0 == "," }) {
      let ends = item.split(separator: "-", omittingEmptySubsequences: false).map { part in
        part.allSatisfy { $0.isASCII && $0.isNumber } ? Int(part) : nil
      }
      guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1],
        first <= last, last < Self.limit
      else { throw fault(text) }
      numbers.formUnion(first...last)
    }
    guard !numbers.isEmpty else { throw fault(text) }
    return numbers.sorted()
  }

  private static func fault(_ text: String) -> ValueFault {
    ValueFault(
      "\"\(text)\" is neither a number of vectors nor a list of vectors below \(limit)",
      hint: "write how many, for instance 4, or numbers and ranges, for instance 0-1 5")
  }
}
