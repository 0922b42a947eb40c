import Glibc

/// Lets others run until an interrupt has come.
func pause() { usleep(50) }

let arguments = CommandLine.arguments
guard arguments.count == 3, let count = UInt32(arguments[2]), (1...12).contains(count) else {
  print("usage: edu-example DEVICE COUNT (1 to 12)")
  exit(64)
}
do {
  let driver = try EduDriver(arguments[1])
  try driver.run(count) { print($0) }
} catch {
  print("edu-example: \(error)")
  exit(1)
}
