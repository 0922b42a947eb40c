import ArgumentParser
import InterruptSyncClient
import Varlink

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explains why a device, or everything, is silent.",
    discussion: "Exit status: 0 when there is no problem (there may be warnings), 1 otherwise.")

  @Argument(
    help: "A device or software line; without, everything.",
    completion: .custom { words, _, _ in DeviceCompletion.names(words) })
  var device: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let examination = try Examination(device, address: common.address)
    let findings = examination.findings
    if common.json {
      common.show(["findings": .array(findings.map { .object($0.json) })])
    } else {
      for finding in findings {
        let word = common.style.paint(
          finding.severity.rawValue, finding.severity == .problem ? .red : .yellow)
        Console.out("\(finding.subject): \(word): \(finding.text)\n  hint: \(finding.hint)")
      }
      if findings.isEmpty, !common.quiet {
        Console.out("\(examination.examined.count) devices, nothing to find fault with")
      }
    }
    if findings.contains(where: { $0.severity == .problem }) { throw ExitCode(Failure.failed) }
  }
}
