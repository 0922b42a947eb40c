/// Why saved totals cannot be used.
package struct StateFault: Error, Equatable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
