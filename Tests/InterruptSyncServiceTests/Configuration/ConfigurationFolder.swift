// Configuration in a temporary tree, and what is said about it.
import Testing
import TestSupport

@testable import InterruptSyncService

extension TemporaryFolder {
  var tree: ConfigurationTree { ConfigurationTree(root: path) }

  func configuration() throws -> ConfigurationSet { try ConfigurationSet(tree) }

  /// Everything that is wrong, with paths relative to the tree.
  func faults() -> [String] {
    do throws(ConfigurationError) {
      _ = try ConfigurationSet(tree)
      return []
    } catch {
      return error.diagnostics.map {
        $0.description.replacing("\(path)/", with: "").replacing("\n  hint: ", with: " | ")
      }
    }
  }
}

let deviceFolder = "etc/interruptsync/devices"

/// One device file, read.
func device(_ text: String) throws -> DeviceFile {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", text)
  return try #require(try folder.configuration().devices.first)
}

/// The faults of one device file, as `LINE:COLUMN: error: …`.
func deviceFaults(_ text: String) throws -> [String] {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", text)
  return folder.faults().map { $0.replacing("\(deviceFolder)/a.device:", with: "") }
}

func daemonSettings(_ text: String) throws -> DaemonSettings {
  let folder = try TemporaryFolder()
  try folder.write("etc/interruptsync/interruptsyncd.conf", text)
  return try folder.configuration().daemon
}

func daemonFaults(_ text: String) throws -> [String] {
  let folder = try TemporaryFolder()
  try folder.write("etc/interruptsync/interruptsyncd.conf", text)
  return folder.faults().map { $0.replacing("etc/interruptsync/interruptsyncd.conf:", with: "") }
}
