@testable import InterruptSync

/// Who dispatches: what holds with a thread of its own holds on a group's thread.
enum Served: CaseIterable, Sendable {
  case byItsOwnThread
  case byAGroup

  func options(
    storm: StormPolicy = .standard, repeatLimit: UInt64 = 1000,
    report: (@Sendable (InterruptReport) -> Void)? = nil
  ) throws -> InterruptSyncOptions {
    InterruptSyncOptions(
      storm: storm, repeatLimit: repeatLimit,
      group: self == .byAGroup ? try DispatcherGroup() : nil, report: report)
  }
}
