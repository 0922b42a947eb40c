// Floor 7. What the shells' completion offers: names of devices and containers, also of those that
// --host and --machine lead to. The generated scripts call it, in a process for each press of a key;
// and Control.swift prints the script for bash with what follows here. No lock.
import ArgumentParser
import DeviceInventory
import InterruptSyncClient
import UIO

extension CompletionKind {
  /// The names of the devices that the daemon knows.
  static var devices: CompletionKind { .custom { words, _, _ in offered(names(words)) } }

  /// The devices that bind could take.
  static var bindable: CompletionKind { .custom { _, _, _ in offered(bindableNames) } }

  /// Both of them: files are for all.
  static var editable: CompletionKind {
    .custom { words, _, _ in offered(Set(names(words) + bindableNames).sorted()) }
  }

  private static var bindableNames: [String] { BindableDevice.all().map { "\($0.device)" } }

  /// The containers that --machine takes.
  static var machines: CompletionKind { .custom { _, _, _ in MachineArgument.all } }

  /// To zsh the text behind a colon is a description.
  private static func offered(_ names: [String]) -> [String] {
    CompletionShell.requesting == .zsh ? names.map { $0.replacing(":", with: "\\:") } : names
  }

  /// Never fails, never asks, and never waits long.
  /// - Parameter words: the command line so far.
  private static func names(_ words: [String]) -> [String] {
    let address = value(of: ["--address"], in: words)
    var place = DaemonPlace.socket(address ?? InterruptSyncClient.defaultAddress)
    var isRemote = true
    if let host = value(of: ["--host", "-H"], in: words).flatMap(HostArgument.init(argument:)) {
      let options = ["-oBatchMode=yes", "-oConnectTimeout=2", "-oLogLevel=QUIET"]
      place = inTime(host.carrier(address, options: options))
    } else if let machine = value(of: ["--machine", "-M"], in: words)
      .flatMap(MachineArgument.init(argument:)), !machine.isHost
    {
      guard let carrier = try? machine.carrier(address) else { return [] }
      place = inTime(carrier)
    } else {
      isRemote = false
    }
    let client = try? InterruptSyncClient(at: place, timeout: .seconds(1))
    if let devices = try? client?.listDevices() { return devices.map(\.id).sorted() }
    return isRemote ? [] : UIODeviceInfo.all().map(\.stableID)
  }

  /// A person waits for the names, and the program may hang once it has connected.
  private static func inTime(_ carrier: DaemonPlace.Carrier) -> DaemonPlace {
    var carrier = carrier
    carrier.patience = .seconds(4)
    return .program(carrier)
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

/// Bash takes a colon, and what else is in COMP_WORDBREAKS, for the end of a word. Names of devices have
/// colons, and the parser's script knows nothing of that.
enum BashCompletion {
  /// - Parameter script: as the argument parser generates it.
  static func withWholeWords(_ script: String) -> String {
    script + #"""

      # Calls the function above with words that are whole again, and takes from each answer what stands before the part
      # of the current word that bash replaces.
      _interruptsyncctl_with_whole_words() {
          local line="${COMP_LINE#"${COMP_WORDS[0]}"}" word
          local -a whole=("${COMP_WORDS[0]}")
          local -i index current=0
          for ((index = 1; index < ${#COMP_WORDS[@]}; index++)); do
              word="${COMP_WORDS[index]}"
              if [[ "${line}" == [[:space:]]* ]]; then
                  whole+=("${word}")
                  line="${line#"${line%%[![:space:]]*}"}"
              else
                  whole[-1]+="${word}"
              fi
              line="${line#"${word}"}"
              ((index == COMP_CWORD)) && current=$((${#whole[@]} - 1))
          done
          local before="${whole[current]%"${2}"}"
          local -a COMP_WORDS=("${whole[@]}")
          local -i COMP_CWORD=current
          _interruptsyncctl "${1}" "${whole[current]}" "${whole[current - 1]}"
          if [[ -n "${before}" || "${COMPREPLY[*]}" == *:* ]]; then
              # They are no files, in whose names a colon would be quoted.
              compopt +o filenames 2>/dev/null
              COMPREPLY=("${COMPREPLY[@]#"${before}"}")
          fi
      }
      complete -o filenames -F _interruptsyncctl_with_whole_words interruptsyncctl

      """#
  }
}
