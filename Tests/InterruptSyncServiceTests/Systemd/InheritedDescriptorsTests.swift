// sd_listen_fds(3), with descriptors at numbers of the test's own.
import Glibc
import LinuxSystem
import TestSupport
import Testing
import UIO

@testable import InterruptSyncService

/// The number of the first of so many descriptors in a row, each the reading end of a pipe of its own, and
/// the writing ends.
private func row(_ count: Int) throws -> (first: Int32, writers: [FileDescriptor]) {
  let pipes = (0..<count).map { _ in makePipe() }
  return (try descriptorsInARow(pipes.map(\.reading)), pipes.map(\.writing))
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

@Test func descriptorsAreFoundByNameAndNamesMayRepeat() throws {
  let (first, writers) = try row(3)
  let inherited = InheritedDescriptors(environment(3, "varlink:uio-a:uio-a"), first: first)
  #expect(inherited.names.map(\.description) == ["varlink", "uio-a"])
  #expect(inherited.take(StoredName("uio-a")).map(\.raw) == [first + 1, first + 2])
  #expect(inherited.take(StoredName("uio-a")).isEmpty)
  #expect(inherited.take(.state).isEmpty)
  #expect(fcntl(first, F_GETFD) & FD_CLOEXEC != 0)
  #expect(isOpen(first) && !isOpen(first + 1) && !isOpen(first + 2))
  withExtendedLifetime(writers) {}
}

@Test func unknownNamesAreClosedAndLeaveTheStore() throws {
  let receiver = try FakeReceiver()
  let manager = ServiceManager(ServiceEnvironment(receiver.environment()))
  let (first, writers) = try row(3)
  let inherited = InheritedDescriptors(environment(3, "old:varlink:old"), first: first)
  #expect(inherited.discard(from: manager) { $0 == .varlink } == [StoredName("old")])
  #expect(receiver.next()?.lines == ["FDSTOREREMOVE=1", "FDNAME=old"])
  #expect(!isOpen(first) && isOpen(first + 1) && !isOpen(first + 2))
  withExtendedLifetime(writers) {}
}

@Test func namesThatAreMissingOrTooFewAreUnknown() throws {
  let (first, writers) = try row(4)
  #expect(
    InheritedDescriptors(environment(2, nil), first: first).names.map(\.description) == ["unknown"])
  #expect(
    InheritedDescriptors(environment(2, "state"), first: first + 2).names.map(\.description)
      == ["unknown"])
  withExtendedLifetime(writers) {}
}

@Test func numbersThatAreNotOpenAreLeftOut() throws {
  let (first, writers) = try row(1)
  let inherited = InheritedDescriptors(environment(3, "a:b:c"), first: first - 1)
  #expect(inherited.names.map(\.description) == ["b"])
  withExtendedLifetime(writers) {}
}

@Test(arguments: [
  ServiceEnvironment(process: 77), environment(1, "a", listen: "78"),
  environment(1, "a", listen: ""),
  environment(1, "a", identity: "10"), environment(-1, "a"), environment(0, ""),
])
func descriptorsForAnotherProcessAreLeftAlone(environment: ServiceEnvironment) throws {
  let (first, writers) = try row(1)
  #expect(InheritedDescriptors(environment, first: first).names.isEmpty)
  #expect(isOpen(first))
  #expect(fcntl(first, F_GETFD) & FD_CLOEXEC == 0)
  close(first)
  withExtendedLifetime(writers) {}
}

@Test func identityOfTheProcessMayBeGivenOrUnknownToTheKernel() throws {
  let (first, writers) = try row(2)
  #expect(InheritedDescriptors(environment(1, "a", identity: "9"), first: first).names.count == 1)
  var older = environment(1, "a", identity: "9")
  older.processIdentity = nil
  #expect(InheritedDescriptors(older, first: first + 1).names.count == 1)
  withExtendedLifetime(writers) {}
}

@Test func aDescriptorThatCannotBeCopiedIsReportedWithItsOwnErrorNumber() {
  let error = #expect(throws: UIOError.self) { try Service.copy(-1) }
  #expect(error?.errorNumber == EBADF, "not 1, the number of EPERM")
}
