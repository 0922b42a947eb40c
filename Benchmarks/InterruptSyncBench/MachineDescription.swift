import Glibc
import LinuxSystem

/// The machine as a run's head and the history show it: figures of two models are not compared.
struct MachineDescription {
  let model: String
  let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
  let kernel: String
  /// Of the last minute.
  let load: Double
  /// Local time.
  let date: String

  init() {
    let lines = Self.text("/proc/cpuinfo").split(separator: "\n")
    func value(_ key: String) -> String {
      lines.first { $0.hasPrefix(key) }?.split(separator: ":").last.map {
        String($0.drop { $0 == " " })
      } ?? ""
    }
    let family = value("cpu family")
    model =
      family.isEmpty
      ? "an unknown processor"
      : "\(value("model name")), family \(family) model \(value("model\t"))"
    let version = Self.text("/proc/sys/kernel/osrelease").filter { $0 != "\n" }
    kernel = "Linux \(version)"
    load = Self.text("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) } ?? 0
    var now = time(nil)
    var parts = unsafe tm()
    unsafe localtime_r(&now, &parts)
    var bytes = [CChar](repeating: 0, count: 32)
    let length = unsafe strftime(&bytes, bytes.count, "%Y-%m-%d %H:%M", &parts)
    date = String(decoding: bytes.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// What a run's head and its plots say.
  var line: String { "\(machine); \(kernel); load \(load)" }

  /// Runs with the same one are drawn together.
  var machine: String { "\(model), \(processors) processors" }

  private static func text(_ path: String) -> String {
    (try? FileDescriptor.contents(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
