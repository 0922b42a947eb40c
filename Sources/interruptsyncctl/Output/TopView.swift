// Floor 7. What top shows: a title, a row for each line with its rates, percentiles and a trace of the
// last minute, in as many columns as the terminal has. It keeps the samples of a minute. Values; no
// terminal, no clock and no daemon.
import ArgumentParser
import InterruptSyncClient
import LinuxSystem

/// The rows of top, and how they are drawn.
struct TopView {
  enum Order: String, ExpressibleByArgument, CaseIterable {
    case rate, device, state, unclaimed, p99, total

    /// The key that chooses it.
    var key: UInt8 { rawValue.utf8.first ?? 0 }
  }

  /// One line of the daemon's.
  struct Row {
    let device: String
    let state: Device.State
    var rate = 0.0
    var unclaimed = 0.0
    var total: UInt64 = 0
    var storms: UInt64 = 0
    var longestHold = Duration.zero
    /// Of the time in service, in the daemon's last whole window.
    var p50: Duration?
    var p99: Duration?
    var longest: Duration?
  }

  private static let minute = Duration.seconds(60)

  private(set) var order: Order
  private(set) var showsHelp = false
  private(set) var rows: [Row] = []
  private var last: (sample: Top.Sample, at: Duration)?
  /// Rates of the last minute, by line.
  private var traces: [String: [(at: Duration, rate: Double)]] = [:]
  private var now = Duration.zero

  init(sort order: Order) { self.order = order }

  /// Takes what the daemon says now.
  /// - Parameter at: since any moment that stays the same.
  mutating func add(_ sample: Top.Sample, at time: Duration) {
    let elapsed = last.map { max((time - $0.at) / .seconds(1), 1e-9) }
    rows = sample.devices.compactMap { device in
      guard let now = sample.statistics[device.id] else { return nil }
      let before = last?.sample.statistics[device.id]
      func rate(_ count: (DeviceStatistics) -> UInt64) -> Double {
        guard let elapsed, let before, count(now) > count(before) else { return 0 }
        return Double(count(now) - count(before)) / elapsed
      }
      let service = sample.service[device.id]
      return Row(
        device: device.id, state: device.state, rate: rate(\.interrupts),
        unclaimed: rate(\.unclaimed),
        total: now.interrupts, storms: now.storms, longestHold: now.longestHold, p50: service?.p50,
        p99: service?.p99, longest: service?.longest)
    }
    if elapsed != nil { trace(at: time) }
    now = time
    last = (sample, time)
  }

  private mutating func trace(at time: Duration) {
    var kept: [String: [(at: Duration, rate: Double)]] = [:]
    for row in rows {
      kept[row.device] =
        traces[row.device, default: []].filter { time - $0.at < Self.minute } + [(time, row.rate)]
    }
    traces = kept
  }

  /// Does what a key says; false for one that ends top.
  mutating func press(_ key: UInt8) -> Bool {
    // Any key closes the help, but one that ends top.
    if key == UInt8(ascii: "q") || key == 0x03 { return false }
    if showsHelp {
      showsHelp = false
    } else if key == UInt8(ascii: "?") || key == UInt8(ascii: "h") {
      showsHelp = true
    } else if let chosen = Order.allCases.first(where: { $0.key == key }) {
      order = chosen
    }
    return true
  }

  /// Larger ones first; equals are in the order of their names.
  var sorted: [Row] {
    func isBefore(_ a: Row, _ b: Row) -> Bool? {
      switch order {
      case .rate: a.rate == b.rate ? nil : a.rate > b.rate
      case .device: nil
      case .state: a.state == b.state ? nil : a.state.urgency > b.state.urgency
      case .unclaimed: a.unclaimed == b.unclaimed ? nil : a.unclaimed > b.unclaimed
      case .p99: a.p99 == b.p99 ? nil : (a.p99 ?? .zero) > (b.p99 ?? .zero)
      case .total: a.total == b.total ? nil : a.total > b.total
      }
    }
    return rows.sorted { isBefore($0, $1) ?? ($0.device < $1.device) }
  }

  /// The rates of the last minute as the heights of `count` characters; nil for a time before the
  /// first sample.
  private func heights(_ device: String, _ count: Int) -> [Double?] {
    var heights = [Double?](repeating: nil, count: count)
    for sample in traces[device, default: []] {
      let age = (now - sample.at) / Self.minute
      let place = count - 1 - Int(age * Double(count))
      if heights.indices.contains(place) { heights[place] = max(heights[place] ?? 0, sample.rate) }
    }
    // A minute of few samples has no gaps.
    for place in heights.indices.dropFirst() where heights[place] == nil {
      heights[place] = heights[place - 1]
    }
    return heights
  }
}

// MARK: Drawing

extension TopView {
  /// A column besides the first and the last.
  private struct Column {
    let heading: String
    let width: Int
    var order: Order?
    var isNumber = true
    let cell: (Row) -> (String, Style.Colour?)
  }

  private static func columns(_ style: Style) -> [Column] {
    func time(_ value: Duration?) -> (String, Style.Colour?) {
      (value.map(Format.brief) ?? "-", nil)
    }
    return [
      Column(heading: "STATE", width: 9, order: .state, isNumber: false) {
        ($0.state.rawValue, style.colour($0.state))
      },
      Column(heading: "RATE/s", width: 8, order: .rate) { (rate($0.rate), nil) },
      Column(heading: "50%", width: 7) { time($0.p50) },
      Column(heading: "99%", width: 7, order: .p99) { time($0.p99) },
      // From here on where there is room.
      Column(heading: "LONGEST", width: 7) { time($0.longest) },
      Column(heading: "UNCL/s", width: 7, order: .unclaimed) {
        (rate($0.unclaimed), $0.unclaimed > 0 ? .yellow : nil)
      },
      Column(heading: "STORMS", width: 6) { ("\($0.storms)", $0.storms > 0 ? .yellow : nil) },
      Column(heading: "TOTAL", width: 12, order: .total) { ("\($0.total)", nil) },
    ]
  }

  /// Four digits and a unit, so that a rate never moves the columns.
  private static func rate(_ value: Double) -> String {
    switch value {
    case ..<9999.95: Format.decimal(value)
    case ..<999_950: Format.decimal(value / 1e3) + "k"
    default: Format.decimal(value / 1e6) + "M"
    }
  }

  private static let leastTrace = 12

  /// The whole screen.
  func text(_ size: Screen.Size, clock: String, _ style: Style) -> String {
    if showsHelp { return help(size, style) }
    let rows = sorted
    let columns = columns(size.columns, style)
    // Title, empty line and headings; what has no room is counted in the last line.
    let room = max(size.rows - 3, 1)
    let shown = rows.count > room ? rows.prefix(room - 1) : rows[...]
    var lines = [title(clock, size.columns, style), "", heading(columns, style)]
    lines += shown.map { line($0, columns, style) }
    if shown.count < rows.count {
      lines.append("and \(counted(rows.count - shown.count, "line")) more")
    }
    return lines.joined(separator: "\n")
  }

  private func title(_ clock: String, _ width: Int, _ style: Style) -> String {
    let serviced = rows.count { $0.state == .connected || $0.state == .attached }
    let troubled = rows.count { $0.state == .storming || $0.state == .failed }
    var text =
      "interruptsyncctl top  \(clock)  \(counted(rows.count, "line")), \(serviced) serviced"
    if troubled > 0 { text += ", \(troubled) in trouble" }
    text += "  \(Self.rate(rows.reduce(0) { $0 + $1.rate }))/s"
    if text.count + 10 <= width { text += "  ?: help" }
    return style.paint(String(text.prefix(width)), .bold)
  }

  /// The columns that have room beside the longest name and the trace.
  private func columns(
    _ width: Int, _ style: Style
  ) -> (device: Int, middle: [Column], trace: Int) {
    let all = Self.columns(style)
    var device = max(rows.map(\.device.count).max() ?? 0, 7)
    var middle = Array(all.prefix(4))
    func rest() -> Int { width - device - 2 - middle.reduce(0) { $0 + $1.width + 1 } }
    // A name that is too long is cut.
    if rest() < Self.leastTrace { device = max(device - (Self.leastTrace - rest()), 7) }
    while rest() < 0, middle.count > 1 { middle.removeLast() }
    for column in all.dropFirst(4) where rest() - column.width - 1 >= Self.leastTrace {
      middle.append(column)
    }
    return (device, middle, min(max(rest(), 0), 60))
  }

  private func heading(
    _ columns: (device: Int, middle: [Column], trace: Int), _ style: Style
  ) -> String {
    var text = Self.pad("DEVICE" + (order == .device ? "▾" : ""), columns.device, isNumber: false)
    for column in columns.middle {
      let mark = column.order == order && column.order != nil ? "▾" : ""
      text += " " + Self.pad(column.heading + mark, column.width, isNumber: column.isNumber)
    }
    return style.paint(text + "  " + String("LAST MINUTE".prefix(columns.trace)), .bold)
  }

  private func line(
    _ row: Row, _ columns: (device: Int, middle: [Column], trace: Int), _ style: Style
  ) -> String {
    let name =
      row.device.count > columns.device ? row.device.prefix(columns.device - 1) + "…" : row.device
    var text = Self.pad(name, columns.device, isNumber: false)
    for column in columns.middle {
      let (cell, colour) = column.cell(row)
      let padded = Self.pad(cell, column.width, isNumber: column.isNumber)
      text += " " + (colour.map { style.paint(padded, $0) } ?? padded)
    }
    let heights = heights(row.device, columns.trace)
    let most = heights.compactMap(\.self).max() ?? 0
    return text + "  " + Bars.sparkline(heights, of: most)
  }

  private static func pad(_ text: String, _ width: Int, isNumber: Bool) -> String {
    let space = String(repeating: " ", count: max(width - text.count, 0))
    return isNumber ? space + text : text + space
  }

  private func help(_ size: Screen.Size, _ style: Style) -> String {
    let lines = [
      "interruptsyncctl top: help", "",
      "RATE/s       interrupts a second since the last update",
      "50%, 99%     time in service that 50 % and 99 % of the dispatches did not exceed,",
      "LONGEST      and that none exceeded, in the last whole 10 seconds",
      "UNCL/s       dispatches a second that no routine claimed",
      "STORMS       storms that the brake stopped",
      "TOTAL        interrupts that the kernel counted",
      "LAST MINUTE  the rate, each line by its own largest", "",
      "Sort by:  r rate   d device   s state   u unclaimed   p 99%   t total",
      "Other keys:  ? this help   q exit", "", "Press any key to go back.",
    ]
    let shown = lines.prefix(size.rows).map { String($0.prefix(size.columns)) }
    return ([style.paint(shown[0], .bold)] + shown.dropFirst()).joined(separator: "\n")
  }

  /// One snapshot without a terminal.
  func table(_ common: CommonOptions) -> String {
    var table = Table(
      [
        "DEVICE", "STATE", "INTERRUPTS/s", "UNCLAIMED/s", "INTERRUPTS", "STORMS", "LONGEST HOLD",
        "50%", "99%",
      ], numbers: [2, 3, 4, 5, 6, 7, 8])
    for row in sorted {
      table.add([
        .init(row.device), .init(row.state.rawValue, common.style.colour(row.state)),
        .init(Format.decimal(row.rate)),
        .init(Format.decimal(row.unclaimed), row.unclaimed > 0 ? .yellow : nil),
        .init("\(row.total)"), .init("\(row.storms)", row.storms > 0 ? .yellow : nil),
        .init(Format.time(row.longestHold)), .init(row.p50.map(Format.brief) ?? ""),
        .init(row.p99.map(Format.brief) ?? ""),
      ])
    }
    return table.text(common)
  }
}

extension Device.State {
  /// What asks for a look comes first.
  fileprivate var urgency: Int {
    switch self {
    case .failed: 6
    case .storming: 5
    case .gone: 4
    case .attached: 3
    case .connected: 2
    case .listed: 1
    case .unknown: 0
    }
  }
}
