// Hosted drivers in this process, on software lines and on a file instead of registers.
import CUIO
import Glibc
import InterruptSync
import TestSupport
import Testing
import UIO

@testable import InterruptSyncService

/// log: starts, services, deferred, stops, synchronized, level of say in service.
private let recorder = """
  typedef struct { const interruptsync_host *host; int64_t *log; } card;
  static const char *const names[] = {"count", "twice"};
  static int32_t synchronized_(void *context) { ((card *)context)->log[4]++; return 7; }
  static int32_t service(void *context) {
    card *own = context;
    own->log[1]++;
    own->host->capture(own->host, 0, own->log[1]);
    own->host->capture(own->host, 1, 2 * own->log[1]);
    own->host->capture(own->host, 2, 99);
    own->log[5] = own->host->say(own->host, "must not be said");
    own->log[6] = own->host->call(own->host, synchronized_, own, NULL);
    own->log[7] = own->host->region(own->host, "bar0", NULL, NULL);
    own->host->defer(own->host);
    return INTERRUPTSYNC_CLAIMED;
  }
  static void deferred(void *context) {
    card *own = context;
    int32_t status = 0;
    own->host->call(own->host, synchronized_, own, &status);
    own->log[8] = status;
    __atomic_add_fetch(&own->log[2], 1, __ATOMIC_SEQ_CST);
  }
  static void stop(void *context) { ((card *)context)->log[3]++; free(context); }
  int interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
    card *own = calloc(1, sizeof *own);
    own->host = host;
    own->log = record(host);
    own->log[0]++;
    *driver = (interruptsync_driver){.size = sizeof *driver, .context = own, .service = service,
      .deferred = deferred, .stop = stop, .capture_count = 2, .captures = names};
    return 0;
  }
  """

private func hosted(
  _ fixture: DriverFixture, _ path: String, _ object: InterruptSyncObject,
  regions: DeviceRegions? = nil
) throws -> HostedDriver {
  try HostedDriver(
    fixture.file(path), arguments: [fixture.argument], device: "board", routine: "card",
    object: object, regions: regions)
}

/// Every record of an object.
private final class Records: DispatchObserver {
  private let entries = Guarded<[cuio_ring_entry]>([])
  var all: [cuio_ring_entry] { entries.withLock { $0 } }
  func observe(_ records: DispatchRecords) {
    let copies = Array(records.entries)
    entries.withLock { $0 += copies }
  }
  func end() {}
}

@Test func aHostedDriverServicesCapturesDefersAndStops() throws {
  let fixture = try DriverFixture()
  let line = try SoftwareLine(name: "board")
  let object = InterruptSyncObject(source: line, mode: .normal, name: "board")
  let driver = try hosted(fixture, fixture.build(recorder), object)
  #expect(fixture.log[0] == 1)
  #expect(driver.captures == ["count", "twice"])
  let registration = try driver.register()
  let records = Records()
  let observation = try object.observe(records)
  object.setCaptured(driver.captured, count: 2)
  try object.connect()
  for count in 1...20 {
    line.trigger(1)
    try eventually("interrupt \(count)") { registration.statistics.claims == UInt64(count) }
  }
  try eventually("a deferred routine") { fixture.log[2] > 0 && fixture.log[4] == fixture.log[2] }
  try object.disconnect()
  try eventually("20 records") { records.all.count == 20 }
  withExtendedLifetime(observation) {}
  for (count, entry) in zip((1 as UInt64)..., records.all) {
    #expect(entry.captured.0 == count && entry.captured.1 == 2 * count)
    #expect(entry.captured.2 == 0 && entry.captures == 2)
  }
  object.setCaptured(nil, count: 0)
  driver.stop()
  driver.stop()
  #expect(fixture.log[1] == 20)
  #expect(fixture.log[3] == 1)
  #expect(fixture.log[8] == 7, "the routine's own status")
  #expect(fixture.log[5] == Int64(-EPERM), "nothing is said under the lock")
  #expect(fixture.log[6] == Int64(-EDEADLK), "N4")
  #expect(fixture.log[7] == Int64(-EINVAL), "no place for the region")
  #expect(registration.statistics.calls == 20)
}

@Test func aStoppedDriverIsNotCalledAgainAndOneObjectServesTwoDevices() throws {
  let fixture = try DriverFixture()
  let other = try DriverFixture()
  let path = try fixture.build(recorder)
  let (first, second) = (try SoftwareLine(name: "a"), try SoftwareLine(name: "b"))
  let objects = [first, second].map {
    InterruptSyncObject(
      source: $0, mode: .normal, options: InterruptSyncOptions(connectsWithoutRoutines: true))
  }
  let one = try hosted(fixture, path, objects[0])
  let two = try HostedDriver(
    fixture.file(path), arguments: [other.argument], device: "b", routine: "card",
    object: objects[1], regions: nil)
  _ = try one.register()
  _ = try two.register()
  for object in objects { try object.connect() }
  // Interrupts without end while one of them is taken away.
  for round in 1...50 {
    first.trigger(1)
    second.trigger(1)
    if round == 25 { one.stop() }
  }
  try eventually("the other's interrupts") { objects[1].statistics().interrupts == 50 }
  #expect(fixture.log[3] == 1 && other.log[3] == 0)
  let serviced = fixture.log[1]
  first.trigger(1)
  try eventually("an interrupt for nobody") { objects[0].statistics().interrupts == 51 }
  #expect(fixture.log[1] == serviced)
  two.stop()
  for object in objects { try object.disconnect() }
}

@Test func aDriverGetsWhatItsDeviceHasAndOpensRegistersOnlyWhileItStarts() throws {
  let fixture = try DriverFixture()
  let board = try Board()
  let path = try fixture.build(
    """
    static const interruptsync_host *own;
    static int32_t service(void *context) {
      int64_t *log = context;
      interruptsync_host_region *map;
      log[2] = own->region(own, "map0", &map, NULL);
      __atomic_add_fetch(&log[3], 1, __ATOMIC_SEQ_CST);
      return INTERRUPTSYNC_CLAIMED;
    }
    int interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
      int64_t *log = record(host);
      interruptsync_host_region *map;
      own = host;
      log[0] = host->region(host, "map0", &map, NULL);
      log[1] = host->defer(host);
      log[4] = host->say(host, "is here");
      *driver = (interruptsync_driver){.size = sizeof *driver, .context = log, .service = service};
      return 0;
    }
    """)
  for regions in [nil, DeviceRegions(board.device)] {
    let line = try SoftwareLine(name: "board")
    let object = InterruptSyncObject(source: line, mode: .normal)
    fixture.log.update(repeating: 0, count: 16)
    let driver = try hosted(fixture, path, object, regions: regions)
    #expect(fixture.log[0] == (regions == nil ? Int64(-ENOENT) : 0))
    // It has no deferred function.
    #expect(fixture.log[1] == Int64(-EOPNOTSUPP) && fixture.log[4] == 0)
    _ = try driver.register()
    try object.connect()
    line.trigger(1)
    try eventually("a dispatch") { object.statistics().claimed == 1 }
    try object.disconnect()
    #expect(fixture.log[2] == Int64(-EPERM) && fixture.log[3] == 1)
    driver.stop()
  }
}

@Test func aDriverReadsAndWritesTheRegistersThatItOpened() throws {
  let fixture = try DriverFixture()
  let board = try Board()
  let path = try fixture.build(
    """
    static interruptsync_host_region *map, *again;
    static int32_t service(void *context) { (void)context; return INTERRUPTSYNC_NOT_MINE; }
    int interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
      int64_t *log = record(host);
      uint64_t length, wide;
      uint32_t word;
      uint16_t half;
      uint8_t byte;
      log[0] = host->region(host, "map0", &map, &length) || host->region(host, "map0", &again, NULL);
      log[1] = (int64_t)length;
      log[2] = map == again;
      log[3] = host->region(host, "map1", &again, NULL);
      log[4] = host->region(host, "front", &again, NULL);
      log[5] = host->write64(map, 8, 0x0123456789abcdef) || host->write32(map, 16, 0xdeadbeef) ||
        host->write16(map, 20, 0x1234) || host->write8(map, 22, 0x56);
      log[6] = host->read64(map, 8, &wide) || host->read32(map, 16, &word) || host->read16(map, 20, &half) ||
        host->read8(map, 22, &byte);
      log[7] = wide == 0x0123456789abcdef && word == 0xdeadbeef && half == 0x1234 && byte == 0x56;
      log[8] = host->read32(map, length, &word);
      log[9] = host->read32(map, UINT64_MAX, &word);
      log[10] = host->read32(map, 2, &word);
      log[11] = host->read32(map, 0, NULL);
      log[12] = INTERRUPTSYNC_HOST_HAS(host, say);
      driver->size = sizeof *driver;
      driver->service = service;
      return 0;
    }
    """)
  let object = InterruptSyncObject(source: try SoftwareLine(name: "board"), mode: .normal)
  let driver = try hosted(fixture, path, object, regions: DeviceRegions(board.device))
  let results = (0...12).map { fixture.log[$0] }
  let page = Int64(cuio_page_size())
  #expect(
    results == [
      0, page, 1, Int64(-ENOENT), Int64(-EINVAL), 0, 0, 1, Int64(-ERANGE), Int64(-ERANGE),
      Int64(-EINVAL), Int64(-EINVAL), 1,
    ])
  #expect(try board.registers.read64(at: 8) == 0x0123_4567_89ab_cdef)
  #expect(driver.captures.isEmpty)
  _ = try driver.register()
  driver.stop()
}

@Test(arguments: [
  ("return -ENODEV;", UIOError.Code.driverFailed, "it refused"),
  ("driver->size = sizeof *driver; return 0;", .malformed, "no service function"),
  ("driver->service = service; return 0;", .malformed, "no service function, or has a later"),
  (
    "driver->service = service; driver->size = sizeof *driver + 8; driver[1].size = 1; return 0;",
    .malformed, "later version"
  ),
])
func aDriverWhoseAnswerCannotBeUsedIsRefused(
  body: String, code: UIOError.Code, cause: String
) throws {
  let fixture = try DriverFixture()
  let path = try fixture.build(
    """
    static int32_t service(void *context) { (void)context; return INTERRUPTSYNC_CLAIMED; }
    int interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
      record(host)[0] = (intptr_t)service;
      \(body)
    }
    """)
  let object = InterruptSyncObject(source: try SoftwareLine(name: "board"), mode: .normal)
  let error = try #require(throws: UIOError.self) { _ = try hosted(fixture, path, object) }
  #expect(error.code == code)
  #expect(error.cause.contains(cause))
  #expect(error.device == "board" && error.operation.contains(path))
  #expect(error.errorNumber == (code == .driverFailed ? ENODEV : 0))
}

@Test(arguments: [
  ("int nothing;", "has no function interruptsync_driver_start"),
  ("extern int missing(void); int use(void) { return missing(); }", "undefined symbol: missing"),
  (
    "int interruptsync_driver_start(const interruptsync_host *h, interruptsync_driver *d)"
      + " { return 0; }\nint interruptsync_object_connect(interruptsync_object *o) { return 0; }",
    "linked with libinterruptsync.so"
  ),
])
func anObjectThatIsNoDriverIsRefused(source: String, cause: String) throws {
  let fixture = try DriverFixture()
  let file = try fixture.file(fixture.build(source))
  let error = try #require(throws: UIOError.self) { _ = try DriverLibrary(file) }
  #expect(error.code == .malformed)
  #expect(error.cause.contains(cause), "\(error)")
  #expect(!error.hint.isEmpty)
}

@Test func aFileThatIsNoSharedObjectIsRefused() throws {
  let fixture = try DriverFixture()
  try fixture.folder.write("card.so", "not an object")
  chmod(fixture.folder.path("card.so"), 0o644)
  let file = try fixture.file(fixture.folder.path("card.so"))
  let error = try #require(throws: UIOError.self) { _ = try DriverLibrary(file) }
  #expect(error.cause.contains("card.so"))
}

@Test func aDriverIsUnloadedWhenItHasStopped() throws {
  let fixture = try DriverFixture()
  let path = try fixture.build(recorder)
  func isLoaded() -> Bool {
    guard let handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD) else { return false }
    dlclose(handle)
    return true
  }
  do {
    let object = InterruptSyncObject(source: try SoftwareLine(name: "board"), mode: .normal)
    let driver = try hosted(fixture, path, object)
    _ = try driver.register()
    #expect(isLoaded())
    driver.stop()
  }
  #expect(!isLoaded())
  #expect(fixture.log[3] == 1)
}
