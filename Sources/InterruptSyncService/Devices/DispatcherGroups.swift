import InterruptSync

/// The threads that several devices share. Each lasts as long as an object has it; only the control
/// thread uses this.
final class DispatcherGroups {
  private struct Entry {
    let name: String
    let attributes: DispatcherAttributes
    weak var group: DispatcherGroup?
  }

  private var entries: [Entry] = []

  /// The group of this name whose thread has these attributes; a new one when there is none.
  /// - Parameter report: told what the system refuses to a new one's thread.
  /// - Throws: `resourcesExhausted`.
  func group(
    _ name: String, _ attributes: DispatcherAttributes, report: @escaping (InterruptReport) -> Void
  ) throws(InterruptSyncError) -> DispatcherGroup {
    entries.removeAll { $0.group == nil }
    let entry = entries.first { $0.name == name && $0.attributes == attributes }
    if let group = entry?.group { return group }
    let group = try DispatcherGroup(name: name, attributes: attributes, report: report)
    entries.append(Entry(name: name, attributes: attributes, group: group))
    return group
  }
}
