// Whether the machine needs a device: file systems mounted from its disks, and routes through its
// network interfaces. DriverBinding asks before it takes a device from its driver. Floor 5; reads
// sysfs and /proc on the one thread of interruptsyncctl, without a lock.
import DeviceIdentity
import Glibc

/// The use of what is behind one device. It is looked for below the device's folder, so that a
/// controller counts as used by its disks.
struct DeviceUse {
  /// What uses it, in words; nil when nothing is found.
  var description: String? { search.storage ?? search.network }
  /// What its driver offers to the machine, in use or not: network interfaces, disks, sound and graphics
  /// cards.
  var interfaces: [String] { search.interfaces }
  private let search: Search

  init(of folder: String, system: BindingSystem) {
    search = Search(folder: Self.resolved(folder), system: system)
  }

  fileprivate static func resolved(_ path: String) -> String {
    guard let real = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private struct Search {
    let folder: String
    let system: BindingSystem

    private func proc(_ name: String) -> [[Substring]] {
      guard let text = try? FileDescriptor.wholeText("\(system.root)/proc/\(name)") else {
        return []
      }
      return text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
    }

    private func isBehind(_ path: String) -> Bool {
      let real = resolved(path)
      return real == folder || real.hasPrefix(folder + "/")
    }

    /// Block devices behind it, and what is made of them (LVM, RAID, encryption).
    private var blocks: Set<String> {
      let all = "\(system.sysfs.root)/class/block"
      var found = Set(system.sysfs.list(all).filter { isBehind("\(all)/\($0)") })
      var new = found
      while !new.isEmpty {
        new = Set(new.flatMap { system.sysfs.list("\(all)/\($0)/holders") }).subtracting(found)
        found.formUnion(new)
      }
      return found
    }

    var interfaces: [String] {
      ["net", "block", "sound", "drm"].flatMap { kind in
        let all = "\(system.sysfs.root)/class/\(kind)"
        return system.sysfs.list(all).sorted().filter { name in
          switch kind {
          // A disk, and not its parts.
          case "block": unsafe access("\(all)/\(name)/partition", F_OK) != 0
          // A card, and not its outputs.
          case "sound", "drm": name.hasPrefix("card") && !name.contains("-")
          default: true
          }
        }.filter { isBehind("\(all)/\($0)") }
      }
    }

    var storage: String? {
      let mounts = proc("self/mountinfo")
      let swaps = proc("swaps")
      for block in blocks.sorted() {
        let number = system.sysfs.optionalText("\(system.sysfs.root)/class/block/\(block)/dev")
        // 36 35 98:0 /root /mount ...
        if let mount = mounts.first(where: { $0.count > 4 && String($0[2]) == number }) {
          return "\(block) is mounted at \(mount[4])"
        }
        if swaps.contains(where: { $0.first.map(String.init) == "/dev/\(block)" }) {
          return "\(block) is in use as swap"
        }
      }
      // File systems of several disks name one of them, and the number is made up.
      for mount in mounts {
        guard let dash = mount.firstIndex(of: "-"), mount.count > dash + 2, mount.count > 4,
          let name = mount[dash + 2].split(separator: "/").last, blocks.contains(String(name))
        else { continue }
        return "\(name) is mounted at \(mount[4])"
      }
      return nil
    }

    var network: String? {
      let all = "\(system.sysfs.root)/class/net"
      let interfaces = system.sysfs.list(all).filter { isBehind("\(all)/\($0)") }
      guard !interfaces.isEmpty else { return nil }
      // Bridges and bonds are the way out by their members.
      let upper = interfaces.flatMap { interface in
        [interface]
          + system.sysfs.list("\(all)/\(interface)").filter { $0.hasPrefix("upper_") }
          .map { String($0.dropFirst(6)) }
      }
      let ways = defaultRoutes
      return upper.first(where: ways.contains).map { "the default route goes through \($0)" }
    }

    private var defaultRoutes: Set<String> {
      var found: Set<String> = []
      // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
      for route in proc("net/route")
      where route.count > 7 && route[1] == "00000000" && route[7] == "00000000" {
        found.insert(String(route[0]))
      }
      // destination length source length next metric refcnt use flags interface
      for route in proc("net/ipv6_route")
      where route.count > 9 && route[1] == "00" && route[0].allSatisfy({ $0 == "0" })
        && route[9] != "lo"
      {
        found.insert(String(route[9]))
      }
      return found
    }
  }
}
