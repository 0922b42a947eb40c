// A GPIO chip as its kernel shows it: a node, and a kernel that hands over records as docs/gpio.md says. A line is a pipe,
// into which a test writes edges.
package import CGPIO
package import CUIO
package import DeviceIdentity
package import GPIO
import Glibc
package import LinuxSystem

package final class FakeChip: GPIOKernel, Sendable {
  package struct Line {
    package var name = ""
    /// nil: free.
    package var consumer: String?
    package var writer: FileDescriptor?
    package var number: UInt32 = 0
    /// As it was last requested or configured.
    package var configuration: cgpio_config?
    package var level: Int32 = 0
  }

  package struct State {
    package var lines = Array(repeating: Line(), count: 4)
    package var describing: Int32 = 0
    package var requesting: Int32 = 0
    /// Answers of `configure`, first to last; 0 once there are none.
    package var configuring: [Int32] = []
    /// What was asked for, one word a call.
    package var log: [String] = []
  }

  package let state = Guarded(State())
  package let folder: TemporaryFolder
  private let labels: [String: String]

  /// - Parameter labels: the chips, by their names.
  package init(_ labels: [String: String] = ["gpiochip0": "board"]) throws {
    folder = try TemporaryFolder()
    self.labels = labels
    for name in labels.keys {
      try folder.folder("sys/bus/gpio/devices/\(name)")
      try folder.write("dev/\(name)", name)
    }
  }

  package var sysfs: Sysfs { Sysfs(root: folder.path("sys"), devices: folder.path("dev")) }

  package func open(_ id: String = "gpiochip0") throws(UIOError) -> GPIOChip {
    try GPIOChip(id, sysfs: sysfs, kernel: self)
  }

  package var log: [String] { state.withLock { $0.log } }

  /// An edge, with the numbers that follow those of the line.
  package func edge(
    _ offset: Int, rising: Bool = true, at nanoseconds: UInt64 = 0, dropping: UInt32 = 0
  ) {
    state.withLock { state in
      state.lines[offset].number &+= 1 &+ dropping
      let number = state.lines[offset].number
      var record = cuio_edge(
        timestamp: nanoseconds,
        id: UInt32(rising ? CUIO_EDGE_RISING : CUIO_EDGE_FALLING),
        offset: UInt32(offset), seqno: number, line_seqno: number, padding: (0, 0, 0, 0, 0, 0))
      guard let writer = state.lines[offset].writer else { return }
      _ = unsafe write(writer.raw, &record, MemoryLayout<cuio_edge>.size)
    }
  }

  /// Bytes that are no record.
  package func garbage(_ offset: Int, _ count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    state.withLock { _ = write($0.lines[offset].writer!.raw, bytes, count) }
  }

  /// The chip goes.
  package func remove() {
    state.withLock { state in
      for index in state.lines.indices { state.lines[index].writer = nil }
      state.configuring = Array(repeating: -ENODEV, count: 100)
    }
  }

  // The kernel.

  package func describe(_ chip: FileDescriptor, _ info: inout cgpio_chip) -> Int32 {
    let result = state.withLock { $0.describing }
    guard result == 0 else { return result }
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(chip.raw, &bytes, 31, 0)
    let name = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    copy(name, to: &info.name)
    copy(labels[name] ?? "", to: &info.label)
    info.lines = UInt32(state.withLock { $0.lines.count })
    return 0
  }

  package func describe(
    _ chip: FileDescriptor, _ offset: UInt32, _ info: inout cgpio_line_info
  ) -> Int32 {
    state.withLock { state in
      guard state.describing == 0 else { return state.describing }
      let line = state.lines[Int(offset)]
      copy(line.name, to: &info.name)
      copy(line.consumer ?? "", to: &info.consumer)
      info.is_used = line.consumer != nil
      return 0
    }
  }

  package func request(
    _ chip: FileDescriptor, _ offset: UInt32, consumer: String, buffer: UInt32,
    _ config: cgpio_config
  ) -> Int32 {
    state.withLock { state in
      guard state.requesting == 0 else { return state.requesting }
      guard state.lines[Int(offset)].consumer == nil else { return -EBUSY }
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { return -errno }
      for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
      state.lines[Int(offset)].consumer = consumer
      state.lines[Int(offset)].configuration = config
      state.lines[Int(offset)].writer = FileDescriptor(adopting: ends[1])
      state.log.append("request \(buffer) \(config.words)")
      return ends[0]
    }
  }

  package func configure(_ line: FileDescriptor, _ config: cgpio_config) -> Int32 {
    state.withLock { state in
      state.log.append(config.words)
      return state.configuring.isEmpty ? 0 : state.configuring.removeFirst()
    }
  }

  package func value(_ line: FileDescriptor) -> Int32 { state.withLock { $0.lines[0].level } }

  private func copy<Name>(_ text: String, to name: inout Name) {
    withUnsafeMutableBytes(of: &name) { bytes in
      for index in bytes.indices { bytes[index] = 0 }
      for (index, byte) in text.utf8.prefix(31).enumerated() { bytes[index] = byte }
    }
  }
}

extension cgpio_config {
  /// What is on.
  fileprivate var words: String {
    var words: [String] = []
    if rising { words.append("rising") }
    if falling { words.append("falling") }
    if is_active_low { words.append("low") }
    if bias != CGPIO_BIAS_AS_IS { words.append("bias\(bias.rawValue)") }
    if clock != CGPIO_CLOCK_MONOTONIC { words.append("clock\(clock.rawValue)") }
    if debounce != 0 { words.append("debounce\(debounce)") }
    return words.isEmpty ? "off" : words.joined(separator: " ")
  }
}
