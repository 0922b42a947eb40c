// One line of a GPIO chip, requested as an input: its edges, and its level. Floor 3. Drivers and
// the C interface make it, on any thread at PASSIVE_LEVEL without a lock. An object of floor 4
// connects to it (GPIOLine+InterruptSource.swift); one thread at a time works on its raw part: the
// serving thread reads it without a lock, and its routines ask for the edges under the interrupt
// lock.
import CGPIO
package import CUIO
import Glibc
package import LinuxSystem
import Synchronization

/// A GPIO line whose edges interrupt.
///
/// The line is requested when this is made, and is the program's until the last reference to it goes.
/// Its edges are on while an object is connected, and off while the storm brake holds it. Every edge that
/// the kernel hands over counts as one interrupt; those that it dropped, because its buffer was full,
/// count as well, and are in `droppedEdges`.
@safe public final class GPIOLine: @unchecked Sendable {
  /// The open chip.
  public let chip: GPIOChip
  /// The line's number on the chip.
  public let offset: Int
  /// As asked for.
  public let settings: GPIOLineSettings
  /// The memory that the dispatcher works on. One user at a time. Its first field is the line.
  let memory: UnsafeMutablePointer<cuio_edge_line>
  private let file: FileDescriptor
  private let configuration: cgpio_config
  private let consumer: String
  private let isClaimed = Atomic<Bool>(false)

  /// Requests a line, and shows that it can interrupt. Its edges are off until an object connects.
  ///
  /// PASSIVE_LEVEL.
  /// - Parameters:
  ///   - chip: an open chip.
  ///   - offset: the line's number on it, from 0.
  ///   - settings: how it interrupts.
  /// - Throws: `noSuchRegion` (no such offset), `busy` (a program or a driver has the line, which the
  ///   error names), `noInterrupt`, `unsupported` (the kernel or the chip has no such setting),
  ///   `malformed` (a setting out of its range), `removed`, `resourcesExhausted`, `otherProcess`.
  public convenience init(
    _ chip: GPIOChip, offset: Int, settings: GPIOLineSettings = GPIOLineSettings()
  ) throws(UIOError) {
    try self.init(chip, line: try chip.line(at: offset), settings)
  }

  /// The same, by the name that the board gives the line.
  /// - Throws: also `notFound`, `ambiguous`.
  public convenience init(
    _ chip: GPIOChip, name: String, settings: GPIOLineSettings = GPIOLineSettings()
  ) throws(UIOError) {
    try self.init(chip, line: try chip.line(at: try chip.offset(of: name)), settings)
  }

  private init(
    _ chip: GPIOChip, line: GPIOLineInfo, _ settings: GPIOLineSettings
  ) throws(UIOError) {
    self.chip = chip
    offset = line.offset
    self.settings = settings
    consumer =
      settings.consumer ?? "interruptsync.\(chip.name.drop { !$0.isNumber }).\(line.offset)"
    configuration = try Self.checked(settings, consumer, "\(chip) line \(line.offset)")
    file = try Self.request(chip, line.offset, consumer, settings, configuration)
    unsafe memory = .allocate(capacity: 1)
    unsafe memory.initialize(
      to: cuio_edge_line(
        line: cuio_line(
          fd: file.raw, rearm_fd: -1, format: CUIO_COUNT_EDGES, rearm: CUIO_REARM_NONE, total: 0,
          command: 0, hooks: 0),
        edges: .allocate(capacity: settings.buffer), capacity: UInt32(settings.buffer), count: 0,
        reader: 0, dropped: 0, facts: (0, 0, 0, 0), cause: 0))
    // The request had the edges on, which shows that the line can interrupt (G8).
    var result = chip.kernel.configure(file, masked)
    if result == 0 { result = unsafe cuio_edge_line_skip(memory) }
    guard result == 0 else { throw GPIOOperation.mask.error(-result, device: description) }
  }

  deinit {
    unsafe memory.pointee.edges.deallocate()
    unsafe memory.deallocate()
  }

  /// `gpiochip0 (LABEL) line 3`.
  public var description: String { "\(chip) line \(offset)" }

  /// Whether the line is active at the moment: the debounced level, where it is debounced (G13).
  ///
  /// Any level: a routine may ask, if the chip answers at once, as one of the processor's own does. One
  /// behind I2C or SPI keeps its caller waiting.
  /// - Throws: `removed`, `driverFailed`, `otherProcess`.
  public func value() throws(UIOError) -> Bool {
    try chip.requireOwnProcess(GPIOOperation.value.rawValue)
    let result = chip.kernel.value(file)
    guard result >= 0 else { throw GPIOOperation.value.error(-result, device: description) }
    return result == 1
  }

  /// The edges that the dispatch under way is for, oldest first; empty in the one that follows a connect
  /// or a storm's pause, for which nothing need have come. Inside a service routine; elsewhere empty.
  public var edges: GPIOEdges { GPIOEdges(self) }

  /// Edges that the kernel dropped since the line was made, because its buffer was full (G5). They are
  /// counted as interrupts. Any thread, any level.
  public var droppedEdges: UInt64 { unsafe cuio_counter_read(&memory.pointee.dropped) }

  /// The kernel's number of the interrupt, while its edges are on; nil where `consumer` is not unique.
  package func interruptNumber(_ procfs: Procfs = .system) -> Int? {
    procfs.interrupt(requestedBy: consumer)
  }

  /// What the dispatcher reads.
  package var raw: UnsafeMutablePointer<cuio_line> {
    unsafe cuio_edge_line_raw(memory)
  }

  /// What a dispatch leaves in its record.
  package var facts: UnsafePointer<UInt64> {
    unsafe cuio_edge_line_facts(memory)
  }

  /// When the oldest edge of the last read came; nil where its clock is not that of the histograms.
  package var cause: UnsafePointer<UInt64>? {
    settings.clock == .monotonic ? unsafe cuio_edge_line_cause(memory) : nil
  }
}

extension GPIOLine: CustomStringConvertible {}

// MARK: For one user

extension GPIOLine {
  /// Switches the edges on for one user, with a kick: a level that changed before is not lost with the
  /// edge that said so. False while another user has the line.
  /// - Throws: `removed`, `busy`, `noInterrupt`, `otherProcess`, `driverFailed`.
  package func claim() throws(UIOError) -> Bool {
    try chip.requireOwnProcess("connect")
    guard !isClaimed.exchange(true, ordering: .acquiringAndReleasing) else { return false }
    let result = resume()
    guard result == 0 else {
      isClaimed.store(false, ordering: .releasing)
      throw GPIOOperation.unmask.error(-result, device: description)
    }
    return true
  }

  /// Switches them off. Edges that came before and were not read are there at the next connect.
  package func unclaim() {
    suspend()
    unsafe cuio_edge_line_forget(memory)
    isClaimed.store(false, ordering: .releasing)
  }

  /// Keeps the line from interrupting: the kernel gives its interrupt back (G7). An edge meanwhile is
  /// neither handed over nor counted. A chip that has gone has no edges.
  package func suspend() { _ = chip.kernel.configure(file, masked) }

  /// Ends that, on the thread that reads the line or before there is one. What changed meanwhile is made
  /// up for by a kick. 0 or -errno.
  package func resume() -> Int32 {
    let result = chip.kernel.configure(file, configuration)
    return result == 0 ? unsafe cuio_line_kick(raw) : result
  }

  /// The error that a failed read means.
  package func failure(_ number: Int32) -> UIOError {
    GPIOOperation.read.error(number, device: description)
  }

  /// An input that does not interrupt. Not debounced either, as the kernel debounces by interrupts (G11).
  private var masked: cgpio_config {
    var masked = configuration
    masked.rising = false
    masked.falling = false
    masked.debounce = 0
    return masked
  }
}

// MARK: Requesting

extension GPIOLine {
  private static func checked(
    _ settings: GPIOLineSettings, _ consumer: String, _ line: String
  ) throws(UIOError) -> cgpio_config {
    func refused(_ cause: String) -> UIOError {
      GPIOOperation.request.error((.malformed, cause, ""), 0, device: line)
    }
    guard (1...1024).contains(settings.buffer) else {
      throw refused("a buffer holds 1 to 1024 edges, not \(settings.buffer)")
    }
    let bytes = Array(consumer.utf8)
    guard (1...31).contains(bytes.count), !bytes.contains(0), !bytes.contains(0x2f) else {
      throw refused("\"\(consumer)\" is not a consumer: give 1 to 31 bytes without a slash")
    }
    guard let configuration = settings.configuration else {
      throw refused("a debounce period lasts 1 microsecond to 4000 seconds")
    }
    return configuration
  }

  private static func request(
    _ chip: GPIOChip, _ offset: Int, _ consumer: String, _ settings: GPIOLineSettings,
    _ configuration: cgpio_config
  ) throws(UIOError) -> FileDescriptor {
    try chip.requireOwnProcess("request the GPIO line")
    let line = "\(chip) line \(offset)"
    let result = chip.kernel.request(
      chip.file, UInt32(offset), consumer: consumer, buffer: UInt32(settings.buffer), configuration)
    guard result < 0 else { return FileDescriptor(adopting: result) }
    guard result == -EBUSY else { throw GPIOOperation.request.error(-result, device: line) }
    throw GPIOOperation.request.error(try busy(chip, offset), EBUSY, device: line)
  }

  /// The line is used, or it is free and its interrupt is not (G6, G8).
  private static func busy(
    _ chip: GPIOChip, _ offset: Int
  ) throws(UIOError) -> GPIOOperation.Meaning {
    let now = try chip.line(at: offset)
    guard now.isUsed else { return GPIOOperation.interruptTaken }
    let user = now.consumer.isEmpty ? "a program or driver without a name" : "\"\(now.consumer)\""
    return (.busy, "\(user) has the line", GPIOOperation.request.meaning(EBUSY).hint)
  }
}
