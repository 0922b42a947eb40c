// Descriptor lines over open files that others have too: whether such a file blocks is not ours to
// say, and what is no count is refused by its name.
import CUIO
import Glibc
import Testing

@testable import InterruptSync

/// Makes an open file blocking, as whoever else has it may.
private func block(_ descriptor: Int32) {
  precondition(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK) == 0)
}

private func isNonblocking(_ descriptor: Int32) -> Bool {
  fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0
}

/// A descriptor that a test can raise interrupts on.
enum SharedFile: CaseIterable, CustomTestStringConvertible {
  case eventfd, pipe, streamSocket, packetSocket
  var testDescription: String { "\(self)" }

  var format: FileDescriptorLine.Format { self == .eventfd ? .eventCounter : .totals }

  func open() -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    switch self {
    case .eventfd:
      ends[0] = linux_event_create()
      ends[1] = dup(ends[0])
    case .pipe: precondition(Glibc.pipe(&ends) == 0)
    case .streamSocket:
      precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    case .packetSocket:
      precondition(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
    }
    return (ends[0], ends[1])
  }

  func raise(_ writer: Int32, total: UInt32) {
    if self == .eventfd {
      precondition(linux_event_signal(writer, 1) == 0)
    } else {
      var total = total
      precondition(write(writer, &total, 4) == 4)
    }
  }
}

@Test(arguments: SharedFile.allCases, [false, true])
func aBlockingOpenFileStopsNeitherItsLineNorTheOthers(_ kind: SharedFile, _ grouped: Bool) throws {
  let (reader, writer) = kind.open()
  defer {
    close(reader)
    close(writer)
  }
  block(reader)
  let line = try FileDescriptorLine(reader, format: kind.format)
  let group = grouped ? try DispatcherGroup() : nil
  let options = InterruptSyncOptions(group: group)
  let object = InterruptSyncObject(source: line, mode: .normal, options: options)
  let other = InterruptSyncObject(source: try SoftwareLine(), mode: .normal, options: options)
  for each in [object, other] { try each.registerServiceRoutine { .success } }
  try object.connect()
  try other.connect()
  for total in 1...20 as ClosedRange<UInt32> {
    if total % 5 == 0 { block(reader) }
    kind.raise(writer, total: total)
    try object.awaitDispatches(UInt64(total))
    (other.storage.source as? SoftwareLine)?.trigger()
    try other.awaitDispatches(UInt64(total))
  }
  block(reader)
  let ending = Worker { try? object.disconnect() }
  try ending.join("disconnect: the dispatcher waits inside read(2) of a blocking \(kind)")
  #expect(object.statistics().interrupts == 20 && other.state == .connected)
}

@Test(arguments: SharedFile.allCases)
func theCallersOpenFileIsLeftAsItIs(_ kind: SharedFile) throws {
  for nonblocking in [false, true] {
    let (reader, writer) = kind.open()
    if nonblocking { _ = fcntl(reader, F_SETFL, O_NONBLOCK) } else { block(reader) }
    let object = InterruptSyncObject(
      source: try FileDescriptorLine(reader, format: kind.format), mode: .normal)
    try object.registerServiceRoutine { .success }
    try object.connect()
    kind.raise(writer, total: 1)
    try object.awaitDispatches(1)
    try object.disconnect()
    #expect(isNonblocking(reader) == nonblocking)
    close(reader)
    close(writer)
  }
}

/// Descriptors from which counts of a format cannot come, and the name that the refusal gives them.
private let strangers: [(FileDescriptorLine.Format, String, @Sendable () -> Int32)] = [
  (.eventCounter, "a pipe", { SharedFile.pipe.open().reader }),
  (.eventCounter, "a socket", { SharedFile.packetSocket.open().reader }),
  (.eventCounter, "a socket", { SharedFile.streamSocket.open().reader }),
  (.eventCounter, "a regular file", { open("/proc/self/status", O_RDONLY) }),
  (.eventCounter, "a character device", { open("/dev/zero", O_RDONLY) }),
  (.eventCounter, "of kind inotify", { inotify_init() }),
  (.eventCounter, "of kind eventpoll", { linux_poller_create() }),
  (.totals, "an eventfd", { linux_event_create() }),
  (.totals, "a regular file", { open("/etc/passwd", O_RDONLY) }),
  (.totals, "a character device", { open("/dev/zero", O_RDONLY) }),
  (.totals, "a folder", { open("/", O_RDONLY | O_DIRECTORY) }),
  (.totals, "of kind inotify", { inotify_init() }),
]

@Test func whatYieldsNoCountsIsRefusedByName() throws {
  for (format, name, open) in strangers {
    let descriptor = open()
    defer { close(descriptor) }
    let error = failure { try FileDescriptorLine(descriptor, format: format, name: "x") }
    #expect(error?.code == .invalidArgument, "\(format) \(name)")
    #expect(error?.cause.contains(name) == true, "\(error?.description ?? "accepted") \(name)")
    #expect(error?.hint.isEmpty == false && error?.object == "x")
  }
}

@Test func aGPIOLineRequestIsRefusedByName() {
  for target in ["anon_inode:gpio-line", "anon_inode:gpio-event", "anon_inode:[gpio-event]"] {
    let kind = DescriptorKind.anonymous(target)
    for format in [FileDescriptorLine.Format.eventCounter, .totals] {
      let error = failure { try kind.reading(format, of: "x") }
      #expect(error?.code == .invalidArgument)
      #expect(error?.cause.contains("a GPIO line request") == true)
      #expect(error?.hint.contains("GPIOLine") == true)
    }
  }
  #expect(DescriptorKind.anonymous("anon_inode:[eventfd]") == .counter)
  #expect(DescriptorKind.anonymous("anon_inode:[timerfd]") == .counter)
  // Without /proc, the length of the first record decides.
  #expect(DescriptorKind.anonymous(nil) == .counter)
}

@Test func aTimerCountsItsExpirations() throws {
  let timer = linux_timer_create(1_000_000)
  defer { close(timer) }
  block(timer)
  let object = InterruptSyncObject(
    source: try FileDescriptorLine(timer, format: .eventCounter), mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  try object.awaitInterrupts(5)
  try object.disconnect()
}

@Test(arguments: [3, 5, 8, 48])
func aPacketThatIsLongerOrShorterThanATotalEndsTheLine(_ length: Int) throws {
  let (reader, writer) = SharedFile.packetSocket.open()
  defer {
    close(reader)
    close(writer)
  }
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: try FileDescriptorLine(reader, format: .totals), mode: .normal,
    options: InterruptSyncOptions(report: log.handler))
  try object.registerServiceRoutine { .success }
  try object.connect()
  let record = [UInt8](repeating: 0x11, count: length)
  #expect(write(writer, record, length) == length)
  try log.await(["failed"])
  #expect(log.all.first?.error?.errorNumber == EBADMSG)
  #expect(object.statistics().dispatches == 0)
  try object.disconnect()
}

@Test func theFirstRecordOfACounterThatIsNoneEndsTheLine() throws {
  // As without /proc, where a descriptor cannot be asked for its kind.
  let (reader, writer) = SharedFile.pipe.open()
  defer {
    close(reader)
    close(writer)
  }
  block(reader)
  var line = cuio_line(
    fd: reader, rearm_fd: -1, format: CUIO_COUNT_SHARED_EVENTFD, rearm: CUIO_REARM_NONE, total: 0,
    command: 0, hooks: 0)
  var delta: UInt64 = 7
  #expect(cuio_line_read(&line, &delta) == -EAGAIN)
  let record = [UInt8](repeating: 0x11, count: 48)
  #expect(write(writer, record, 48) == 48)
  #expect(cuio_line_read(&line, &delta) == -EBADMSG && delta == 7)
}
