// Descriptors that another process opened, for a daemon that may not: taken over only when they are
// what they are said to be.
import UIO

/// A device as it is opened: anew, or with what an earlier process left of it.
struct Inheritance {
  let device: UIODevice
  /// PCI configuration space, where it was inherited.
  var configuration: FileDescriptor?
  /// Interrupts that the earlier process took and did not account for.
  var taken: UInt32 = 0
  /// Whether the earlier process' descriptor goes on.
  var isContinued = false
}

extension Inheritance {
  /// Why descriptors are not taken over.
  struct Refusal: Error, Equatable, CustomStringConvertible {
    /// The parameter of `AdoptDevice`.
    let parameter: String
    let cause: String
    let hint: String
    var description: String { "\(cause)\n  hint: \(hint)" }
  }

  /// Takes over descriptors that have been handed in.
  ///
  /// - Parameters:
  ///   - info: the device that they are said to be of, as it is now.
  ///   - node: its node.
  ///   - configuration: its PCI configuration space; nil: the daemon opens that itself, where the
  ///     line needs it.
  /// - Throws: when one of them is not of this device, or not open for reading and writing.
  static func adopting(
    node: FileDescriptor, configuration: FileDescriptor?, of info: UIODeviceInfo,
    sysfs: Sysfs = .system
  ) throws(Refusal) -> Inheritance {
    if let configuration { try check(configuration, info) }
    guard node.isForReadingAndWriting, node.becomeNonblocking() else {
      throw Refusal(
        parameter: "node", cause: "it is not open for reading and writing",
        hint: "open \(info.path) with O_RDWR")
    }
    // Last, as this finds out that the device is still there: its path and its number were those of
    // this instance all the time (fact 5).
    guard let (device, _) = UIODevice.inherit(node, counted: nil, info, sysfs: sysfs) else {
      throw Refusal(
        parameter: "node",
        cause: "it is not the node of \(info.stableID), or of one that has gone",
        hint: "open \(info.path), which is its node now")
    }
    return Inheritance(device: device, configuration: configuration)
  }

  private static func check(
    _ configuration: FileDescriptor, _ info: UIODeviceInfo
  ) throws(Refusal) {
    let path = "\(info.parentFolder)/config"
    guard info.pci != nil else {
      throw Refusal(
        parameter: "configuration", cause: "\(info.stableID) is no PCI function",
        hint: "hand over its node alone")
    }
    guard configuration.isFile(at: path) else {
      throw Refusal(
        parameter: "configuration",
        cause: "it is not the configuration space of \(info.stableID)", hint: "open \(path)")
    }
    guard configuration.isForReadingAndWriting else {
      throw Refusal(
        parameter: "configuration", cause: "it is not open for reading and writing",
        hint: "open \(path) with O_RDWR")
    }
  }
}
