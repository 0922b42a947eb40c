// The HPET as a periodic timer: how long after each match does the service routine run? Run as root
// or as a member of the group uio:
//   hpet-example hpet 1000 2
import Glibc

let words = CommandLine.arguments.dropFirst()
let rate = words.count > 1 ? Int(words[2]) ?? 0 : 1000
let seconds = words.count > 2 ? Int(words[3]) ?? 0 : 2
guard (1...3).contains(words.count), (1...10_000).contains(rate), (1...60).contains(seconds) else {
  print("usage: hpet-example DEVICE [RATE [SECONDS]]   (1 to 10000 a second; 1 to 60 s)")
  exit(64)
}
do {
  let timer = try PeriodicTimer(words[1])
  let latencies = try await timer.measure(rate: rate, seconds: seconds)
  let count = latencies.ticks.count
  print(
    "hpet: \(rate) a second for \(seconds) s: \(count) interrupts, \(latencies.missed) missed")
  print(Histogram(microseconds: latencies.ticks.map { Double($0) * timer.nanoseconds / 1000 }))
} catch {
  print("hpet-example: \(error)")
  exit(1)
}
