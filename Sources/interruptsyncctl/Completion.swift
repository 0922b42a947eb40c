// Floor 7. What the shells' completion offers: names of devices and containers, also of those that
// --host and --machine lead to. The generated scripts call it, in a process for each press of a key;
// and Control.swift prints the script for bash with what follows here. No lock.
import ArgumentParser
import DeviceInventory
import InterruptSyncClient
import UIO

extension CompletionKind {
  /// The names of the devices that the daemon knows.
  static var devices: CompletionKind { .custom { words, _, _ in names(words) } }

  /// The devices that bind could take.
  static var bindable: CompletionKind {
    .custom { _, _, _ in BindableDevice.all().map { "\($0.device)" } }
  }

  /// The containers that --machine takes.
  static var machines: CompletionKind { .custom { _, _, _ in MachineArgument.all } }

  /// Never fails, never asks, and never waits long.
  /// - Parameter words: the command line so far.
  private static func names(_ words: [String]) -> [String] {
    let address = value(of: ["--address"], in: words)
    var place = DaemonPlace.socket(address ?? InterruptSyncClient.defaultAddress)
    var isRemote = true
    if let host = value(of: ["--host", "-H"], in: words).flatMap(HostArgument.init(argument:)) {
      let options = ["-oBatchMode=yes", "-oConnectTimeout=2", "-oLogLevel=QUIET"]
      place = .program(host.carrier(address, options: options))
    } else if let machine = value(of: ["--machine", "-M"], in: words)
      .flatMap(MachineArgument.init(argument:)), !machine.isHost
    {
      guard let carrier = try? machine.carrier(address) else { return [] }
      place = .program(carrier)
    } else {
      isRemote = false
    }
    let client = try? InterruptSyncClient(at: place, timeout: .seconds(1))
    if let devices = try? client?.listDevices() { return devices.map(\.id).sorted() }
    return isRemote ? [] : UIODeviceInfo.all().map(\.stableID)
  }

  /// The value of an option, in each of the forms in which it can stand: `--host X`, `--host=X`, `-H X`.
  private static func value(of names: [String], in words: [String]) -> String? {
    for (index, word) in words.enumerated() {
      for name in names {
        if word == name { return index + 1 < words.count ? words[index + 1] : nil }
        if word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
      }
    }
    return nil
  }
}
