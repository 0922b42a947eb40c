// What happens when the system has no more threads or descriptors to give.
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

/// More than any address space has.
private let impossible = DispatcherAttributes(stackSize: 1 << 52)

@Test func N16_noThreadForADispatcher() throws {
  let device = FakeDevice()
  let object = InterruptSyncObject(
    source: device, mode: .normal, options: InterruptSyncOptions(dispatcher: impossible))
  try object.registerServiceRoutine { .success }
  for _ in 0..<3 {
    let error = failure { try object.connect() }
    #expect(error?.code == .resourcesExhausted)
    #expect(error?.status == .insufficientResources)
    #expect(object.state == .disconnected)
  }
  // The line was never unmasked, and was given back each time.
  #expect(device.writes() == [])
  #expect(device.attaches.value == 3 && device.detaches.value == 3)
}

@Test func N16_noThreadForADeferredQueue() {
  let error = failure { try DeferredQueue(attributes: impossible) }
  #expect(error?.code == .resourcesExhausted)
}

@Test func aSmallStackIsNotOverrunBeforeTheFirstRoutine() throws {
  // The sanitizer's own data of a thread does not fit into so little.
  let small = DispatcherAttributes(stackSize: isSanitized ? 1024 * 1024 : 48 * 1024)
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .normal, options: InterruptSyncOptions(dispatcher: small))
  try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  let queue = try DeferredQueue(attributes: small)
  try queue.flush()
}

@Test func N16_noDescriptors() async {
  await #expect(processExitsWith: .success) {
    let line = try SoftwareLine()
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
    var before = rlimit()
    precondition(getrlimit(resource, &before) == 0)
    var limit = rlimit(rlim_cur: 3, rlim_max: before.rlim_max)
    precondition(setrlimit(resource, &limit) == 0)
    precondition(failure { try object.connect() }?.code == .resourcesExhausted)
    precondition(failure { try SoftwareLine() }?.code == .resourcesExhausted)
    precondition(failure { try DeferredQueue() }?.code == .resourcesExhausted)
    precondition(
      failure { try FileDescriptorLine(0, format: .totals) }?.code == .resourcesExhausted)
    // What exists goes on working.
    try object.callSynchronizedRoutine {}
    // A sanitizer opens files when the process ends.
    precondition(setrlimit(resource, &before) == 0)
  }
}
