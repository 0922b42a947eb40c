// The links below /dev that name a UIO device, as the udev rules make them: by its stable id and by
// its uio name. A link that could mean two devices is not made, and goes once a second one comes.
// Floor 5; interruptsyncctl's command udev calls it, on the program's one thread; reads sysfs,
// takes no lock.
package import DeviceIdentity
import Glibc

/// The links of one device, relative to /dev.
package struct DeviceLinks: Equatable, Sendable {
  /// Those that mean this device alone.
  package let own: [String]
  /// Those that would mean another present device as well.
  package let shared: [String]

  /// - Parameter present: all devices, this one included.
  package init(of info: UIODeviceInfo, among present: [UIODeviceInfo]) {
    var (own, shared): ([String], [String]) = ([], [])
    func add(_ link: String, _ count: Int) {
      if count > 1 { shared.append(link) } else { own.append(link) }
    }
    add(
      "uio/by-path/\(Self.encoded(info.stableID))",
      present.count { $0.stableID == info.stableID })
    let name = StableID.encoded(info.name)
    if !["", ".", ".."].contains(name) {
      add("uio/by-name/\(name)", present.count { $0.name == info.name })
    }
    self.own = own
    self.shared = shared
  }

  /// Of a stable id, which has an encoded name behind `+` already.
  private static func encoded(_ id: String) -> String {
    let parts = id.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    // Addresses of buses have colons.
    let place = parts[0].split(separator: ":", omittingEmptySubsequences: false)
      .map { StableID.encoded(String($0)) }.joined(separator: ":")
    return ([place] + parts.dropFirst().map(String.init)).joined(separator: "+")
  }

  /// The devices to which shared links still lead, because each was made when its device was alone.
  package func stale(_ sysfs: Sysfs) -> [Int] {
    let nodes = shared.compactMap { sysfs.linkName("\(sysfs.devices)/\($0)") }
    return Set(nodes.compactMap { $0.hasPrefix("uio") ? Int($0.dropFirst(3)) : nil }).sorted()
  }
}
