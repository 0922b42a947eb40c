// A number and its noun in messages. Floor 1; errors and messages of every floor above call it, on
// any thread outside a dispatch. A pure function: no lock.

/// `1 device`, `3 devices`, `0 replies`.
/// - Parameter plural: where an s does not make it.
package func counted(
  _ count: some BinaryInteger, _ noun: String, plural: String? = nil
) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}
