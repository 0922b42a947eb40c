// sd_listen_fds(3), with descriptors at numbers of the test's own.
import Glibc
import Testing
import UIO

@testable import InterruptSyncService

/// So many descriptors in a row, each the reading end of a pipe of its own. Not on the way of what
/// other tests open.
private func row(_ count: Int32, at first: Int32) -> [FileDescriptor] {
  (0..<count).map { index in
    let (reading, writing) = makePipe()
    _ = dup2(reading.raw, first + index)
    return writing
  }
}

private func environment(
  _ count: Int32, _ names: String?, process: Int32 = 77, listen: String = "77",
  identity: String? = nil
) -> ServiceEnvironment {
  var variables = ["LISTEN_FDS": "\(count)", "LISTEN_PID": listen]
  variables["LISTEN_FDNAMES"] = names
  variables["LISTEN_PIDFDID"] = identity
  return ServiceEnvironment(variables, process: process, processIdentity: 9)
}

private func isOpen(_ fd: Int32) -> Bool { fcntl(fd, F_GETFD) >= 0 }

@Test func descriptorsAreFoundByNameAndNamesMayRepeat() {
  let writers = row(3, at: 700)
  let inherited = InheritedDescriptors(environment(3, "varlink:uio-a:uio-a"), first: 700)
  #expect(inherited.names.map(\.description) == ["varlink", "uio-a"])
  #expect(inherited.take(StoredName("uio-a")).map(\.raw) == [701, 702])
  #expect(inherited.take(StoredName("uio-a")).isEmpty)
  #expect(inherited.take(.state).isEmpty)
  #expect(fcntl(700, F_GETFD) & FD_CLOEXEC != 0)
  #expect(isOpen(700) && !isOpen(701) && !isOpen(702))
  withExtendedLifetime(writers) {}
}

@Test func unknownNamesAreClosedAndLeaveTheStore() throws {
  let receiver = try FakeReceiver()
  let manager = ServiceManager(ServiceEnvironment(receiver.environment()))
  let writers = row(3, at: 710)
  let inherited = InheritedDescriptors(environment(3, "old:varlink:old"), first: 710)
  #expect(inherited.discard(from: manager) { $0 == .varlink } == [StoredName("old")])
  #expect(receiver.next()?.lines == ["FDSTOREREMOVE=1", "FDNAME=old"])
  #expect(!isOpen(710) && isOpen(711) && !isOpen(712))
  withExtendedLifetime(writers) {}
}

@Test func namesThatAreMissingOrTooFewAreUnknown() {
  let writers = row(4, at: 720)
  #expect(
    InheritedDescriptors(environment(2, nil), first: 720).names.map(\.description) == ["unknown"])
  #expect(
    InheritedDescriptors(environment(2, "state"), first: 722).names.map(\.description)
      == ["unknown"])
  withExtendedLifetime(writers) {}
}

@Test func numbersThatAreNotOpenAreLeftOut() {
  let writers = row(1, at: 731)
  let inherited = InheritedDescriptors(environment(3, "a:b:c"), first: 730)
  #expect(inherited.names.map(\.description) == ["b"])
  withExtendedLifetime(writers) {}
}

@Test(arguments: [
  ServiceEnvironment(process: 77), environment(1, "a", listen: "78"),
  environment(1, "a", listen: ""),
  environment(1, "a", identity: "10"), environment(-1, "a"), environment(0, ""),
])
func descriptorsForAnotherProcessAreLeftAlone(environment: ServiceEnvironment) {
  let writers = row(1, at: 740)
  #expect(InheritedDescriptors(environment, first: 740).names.isEmpty)
  #expect(isOpen(740))
  #expect(fcntl(740, F_GETFD) & FD_CLOEXEC == 0)
  close(740)
  withExtendedLifetime(writers) {}
}

@Test func identityOfTheProcessMayBeGivenOrUnknownToTheKernel() {
  let writers = row(2, at: 750)
  #expect(InheritedDescriptors(environment(1, "a", identity: "9"), first: 750).names.count == 1)
  var older = environment(1, "a", identity: "9")
  older.processIdentity = nil
  #expect(InheritedDescriptors(older, first: 751).names.count == 1)
  withExtendedLifetime(writers) {}
}

@Test func aDescriptorThatCannotBeCopiedIsReportedWithItsOwnErrorNumber() {
  let error = #expect(throws: UIOError.self) { try Service.copy(-1) }
  #expect(error?.errorNumber == EBADF, "not 1, the number of EPERM")
}
