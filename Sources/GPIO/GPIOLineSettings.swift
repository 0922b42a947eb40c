// What a driver asks of a GPIO line, and what the line says about each edge. Floor 3. Drivers make
// settings and GPIOLine reads them; values, for any thread, without a lock. GPIOEdges is a view of
// the line's memory: only a service routine sees edges in it, on the serving thread with the
// interrupt lock held.
import CGPIO
import CUIO

/// How a GPIO line interrupts.
public struct GPIOLineSettings: Equatable, Sendable {
  /// Which edges interrupt. Of a line that is active low, rising means that it becomes active.
  public enum Edges: String, Sendable, CaseIterable {
    /// Becoming active.
    case rising
    /// Becoming inactive.
    case falling
    /// Either.
    case both
  }

  /// What pulls the line while no one drives it. A chip that cannot ignores it (G9).
  public enum Bias: String, Sendable, CaseIterable {
    /// Left as it is.
    case asIs = "as-is"
    /// Nothing pulls.
    case disabled
    /// Up.
    case pullUp = "pull-up"
    /// Down.
    case pullDown = "pull-down"
  }

  /// Which clock an edge's timestamp is of.
  public enum Clock: String, Sendable, CaseIterable {
    /// CLOCK_MONOTONIC, as of the records of dispatches.
    case monotonic
    /// CLOCK_REALTIME, which may be set; Linux 5.11 or later.
    case realtime
    /// The hardware's own, where the kernel has a driver for it (G9).
    case hardware
  }

  /// Which edges interrupt.
  public var edges: Edges
  /// What pulls the line.
  public var bias: Bias
  /// A low level counts as active: levels and edges are the other way round.
  public var isActiveLow: Bool
  /// How long a level must last, in whole microseconds, to be one; nil does not debounce. By the chip,
  /// or by the kernel in steps of its own timer (G11).
  public var debounce: Duration?
  /// Which clock timestamps are of.
  public var clock: Clock
  /// Edges that the kernel keeps until they are read, 1 to 1,024. One that does not fit drops
  /// the oldest, which is counted (G5).
  public var buffer: Int
  /// The user that the kernel names for the line: at most 31 bytes, without a slash. nil takes
  /// `interruptsync.CHIP.OFFSET`.
  public var consumer: String?

  /// Both edges, as the board has the line, unless told otherwise.
  ///
  /// - Parameters:
  ///   - edges: which edges interrupt.
  ///   - bias: what pulls the line.
  ///   - isActiveLow: whether a low level counts as active.
  ///   - debounce: how long a level must last; nil does not debounce.
  ///   - clock: which clock timestamps are of.
  ///   - buffer: edges that the kernel keeps until they are read.
  ///   - consumer: the user that the kernel names for the line.
  public init(
    edges: Edges = .both, bias: Bias = .asIs, isActiveLow: Bool = false, debounce: Duration? = nil,
    clock: Clock = .monotonic, buffer: Int = 64, consumer: String? = nil
  ) {
    self.edges = edges
    self.bias = bias
    self.isActiveLow = isActiveLow
    self.debounce = debounce
    self.clock = clock
    self.buffer = buffer
    self.consumer = consumer
  }

  /// As the kernel is asked; nil where `debounce` is no number of microseconds that it takes.
  var configuration: cgpio_config? {
    guard let debounce = Self.microseconds(debounce) else { return nil }
    return cgpio_config(
      rising: edges != .falling, falling: edges != .rising, is_active_low: isActiveLow,
      bias: bias.raw, clock: clock.raw, debounce: debounce)
  }

  private static func microseconds(_ duration: Duration?) -> UInt32? {
    guard let duration else { return 0 }
    let (seconds, attoseconds) = duration.components
    guard (0...4000).contains(seconds), attoseconds >= 0 else { return nil }
    let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    return microseconds > 0 ? UInt32(microseconds) : nil
  }
}

extension GPIOLineSettings.Bias {
  fileprivate var raw: cgpio_bias {
    switch self {
    case .asIs: CGPIO_BIAS_AS_IS
    case .disabled: CGPIO_BIAS_DISABLED
    case .pullUp: CGPIO_BIAS_PULL_UP
    case .pullDown: CGPIO_BIAS_PULL_DOWN
    }
  }
}

extension GPIOLineSettings.Clock {
  fileprivate var raw: cgpio_clock {
    switch self {
    case .monotonic: CGPIO_CLOCK_MONOTONIC
    case .realtime: CGPIO_CLOCK_REALTIME
    case .hardware: CGPIO_CLOCK_HARDWARE
    }
  }
}

/// An edge of a GPIO line, as the kernel saw it.
public struct GPIOEdge: Equatable, Sendable {
  /// Whether the line became active. With both edges the kernel reads the level a moment after the edge
  /// to tell them apart: of two that follow closely, both may be the later one (G12).
  public let isRising: Bool
  /// When, in nanoseconds of `GPIOLineSettings.clock`.
  public let nanoseconds: UInt64
  /// Its number since the line was made, modulo 2^32, from 1. A gap is what the kernel dropped (G5).
  public let number: UInt32

  init(_ edge: cuio_edge) {
    isRising = edge.id == UInt32(CUIO_EDGE_RISING)
    nanoseconds = edge.timestamp
    number = edge.line_seqno
  }

  /// What a dispatch left in its record (`cuio_edge_line`); nil where it is of another kind of line, or
  /// of a dispatch without an edge.
  package init?(facts mark: UInt64, _ time: UInt64, _ id: UInt64, _ numbers: UInt64) {
    guard mark == CUIO_EDGE_MARK else { return nil }
    isRising = id >> 32 == UInt64(CUIO_EDGE_RISING)
    nanoseconds = time
    number = UInt32(truncatingIfNeeded: numbers)
  }
}

/// The edges of one dispatch, oldest first, for the routines of that dispatch.
@safe public struct GPIOEdges: RandomAccessCollection {
  private let line: GPIOLine
  /// 0.
  public let startIndex = 0
  /// How many there are.
  public let endIndex: Int

  init(_ line: GPIOLine) {
    self.line = line
    endIndex = Int(unsafe cuio_edge_line_available(line.memory))
  }

  /// An edge. Inside the routine that made the collection.
  public subscript(position: Int) -> GPIOEdge {
    // Also of a collection that has left its routine, whose memory the serving thread may be writing.
    let available = Int(unsafe cuio_edge_line_available(line.memory))
    precondition((0..<available).contains(position), "there is no edge \(position) here")
    return unsafe GPIOEdge(line.memory.pointee.edges[position])
  }
}
