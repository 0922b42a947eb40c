// Floor 7. histogram: how often times of which length came on a line, as bars in the terminal or as a
// picture. It reads, may write a file, and may begin a period. Control.swift runs it. On the
// program's one thread; no lock.
import ArgumentParser
import Glibc
import InterruptSyncClient
import LinuxSystem
import UIO
import Varlink

struct Histogram: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws how often times of which length came on a line.",
    discussion: """
      service is how long dispatches held the interrupt lock, wait how long threads waited for it, \
      interval the time from one dispatch to the next, latency that from the cause of an interrupt \
      to its dispatch, where the cause has a time.

      Percentiles are never too short and at most 2/15 too long.
      """)

  enum Quantity: String, ExpressibleByArgument, CaseIterable {
    case service, wait, interval, latency

    var asked: DeviceHistogram.Quantity {
      switch self {
      case .service: .service
      case .wait: .wait
      case .interval: .interval
      case .latency: .latency
      }
    }

    /// For titles.
    var title: String {
      switch self {
      case .service: "time in service"
      case .wait: "wait for the lock"
      case .interval: "interval between dispatches"
      case .latency: "time from cause to dispatch"
      }
    }
  }

  enum Period: String, ExpressibleByArgument, CaseIterable {
    case start, reset, window

    var asked: DeviceHistograms.Period {
      switch self {
      case .start: .start
      case .reset: .reset
      case .window: .window
      }
    }

    var title: String {
      switch self {
      case .start: "since the start"
      case .reset: "since the last reset"
      case .window: "in the last whole 10 seconds"
      }
    }
  }

  @OptionGroup var target: DeviceArgument

  @Option(help: "Which times: service, wait, interval or latency.") var what = Quantity.service

  @Option(
    help: """
      Times since the daemon began to service the line (start), since the last reset (reset), or of \
      the last whole 10 seconds (window).
      """)
  var since = Period.start

  @Option(
    help: "Draw them into this file as SVG instead; replaces the file atomically.",
    completion: .file(extensions: ["svg"]))
  var svg: String?

  @Flag(help: "Begin the period reset, and draw nothing. Needs the role control.") var reset = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if reset, svg != nil { throw ValidationError("--reset draws nothing: leave out --svg") }
  }

  func run() throws {
    let client = try common.client()
    if reset {
      try client.resetHistograms(of: target.device)
      return common.done("\(target.device): the period reset begins now")
    }
    let all = try client.histograms(of: target.device, over: since.asked)
    if let svg {
      try write(HistogramPicture(histogram(all), title: title(all)).text, to: svg)
      return common.done("\(svg): drawn")
    }
    if common.json { return common.show(all.json) }
    let chart = HistogramChart(try histogram(all))
    Console.out(common.style.paint(title(all), .bold) + "\n" + chart.summary)
    if !chart.rows.isEmpty { Console.out("\n" + chart.text(width: Screen.width, common)) }
  }

  private func title(_ all: DeviceHistograms) -> String {
    "\(all.id): \(what.title), \(since.title)"
  }

  private func histogram(
    _ all: DeviceHistograms
  ) throws(InterruptSyncClientError) -> DeviceHistogram {
    if let histogram = all[what.asked] { return histogram }
    throw InterruptSyncClientError(
      .wrongState, object: all.id, operation: "draw the histogram",
      cause: "the daemon has not serviced the line yet",
      hint: "interruptsyncctl connect \(all.id), if a file configures it")
  }

  private func write(_ text: String, to path: String) throws(UIOError) {
    do throws(SystemError) { try FileDescriptor.replace(path, with: text) } catch {
      throw UIOError(
        error.number == EACCES ? .permissionDenied : .unexpected, device: path,
        operation: "write the picture", cause: "cannot replace the file",
        hint: "check that its folder exists and is writable", errno: error.number)
    }
  }
}
