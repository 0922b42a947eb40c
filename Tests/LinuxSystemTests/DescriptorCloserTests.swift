// Descriptors whose last close waits, and who waits for them.
import CLinuxSystem
import Glibc
import TestSupport
import Testing

@testable import LinuxSystem

/// Waits until `condition` holds, for what another thread does next.
private func eventually(_ condition: () -> Bool) -> Bool {
  let end = EventLoop.now + 20_000_000_000
  while !condition() {
    if EventLoop.now > end { return false }
    sched_yield()
  }
  return true
}

@Test func theWaitsOfLastClosesAreEnded() throws {
  let closer = try DescriptorCloser()
  let sockets = try (0..<20).map { _ in try LingeringSocket() }
  for socket in sockets { closer.close(socket.raw, for: .user(1)) }
  // A minute each, were their waits not ended.
  withExtendedLifetime(sockets) { #expect(eventually { closer.pending == 0 }) }
}

@Test func aDescriptorThatIsAdoptedIsClosedWithItsLastReference() throws {
  let gate = Gate()
  let closer = try DescriptorCloser { gate.close($0) }
  var file: FileDescriptor? = closer.adopt(Gate.others + 7, for: .user(1))
  #expect(file?.raw == Gate.others + 7 && closer.pending == 0)
  file = nil
  #expect(eventually { gate.closed == [Gate.others + 7] })
}

@Test func whatIsHandedOverIsClosedAlsoAfterTheCloserHasGone() throws {
  let gate = Gate()
  do {
    let closer = try DescriptorCloser { gate.close($0) }
    for number in Gate.others..<Gate.others + 100 {
      closer.close(number, for: .user(UInt32(number % 7)))
    }
  }
  #expect(eventually { Set(gate.closed) == Set(Gate.others..<Gate.others + 100) })
}

@Test func aUserWhoseCloseHangsHoldsUpNoOtherUserAndNoTrustedOne() throws {
  let gate = Gate()
  let closer = try DescriptorCloser { gate.close($0) }
  // Negative numbers hang: more of them than there are threads, all of one user.
  for number in 1...10 { closer.close(Int32(-number), for: .user(1)) }
  closer.close(Gate.others, for: .user(2))
  closer.close(Gate.others + 1, for: .user(3))
  closer.close(Gate.others + 2, for: .trusted)
  #expect(eventually { Set(gate.closed) == [Gate.others, Gate.others + 1, Gate.others + 2] })
  #expect(closer.pending(.user(1)) == 10 && closer.pending(.user(2)) == 0)
  gate.open()
  #expect(eventually { closer.pending == 0 })
  #expect(gate.closed.count == 13)
}

@Test func trustedDescriptorsAreClosedWhenEveryUsersThreadHangs() throws {
  let gate = Gate()
  let closer = try DescriptorCloser { gate.close($0) }
  for user in 1...10 as ClosedRange<UInt32> { closer.close(-1, for: .user(user)) }
  closer.close(Gate.others, for: .trusted)
  #expect(eventually { gate.closed == [Gate.others] })
  #expect(closer.pending(.user(10)) == 1 && closer.pending == 10)
  gate.open()
  #expect(eventually { closer.pending == 0 })
}

@Test func theTableOfDescriptorsGrowsOnce() throws {
  func size() throws -> Int? {
    let status = try FileDescriptor.wholeText("/proc/self/status")
    let line = status.split(separator: "\n").first { $0.hasPrefix("FDSize:") }
    return line?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) }
  }
  let file = try FileDescriptor.open("/dev/null", O_RDONLY)
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  #expect(linux_reserve_descriptors(file.raw, 2048) == 0)
  #expect(try #require(try size()) >= min(2048, Int(clamping: limit.rlim_cur)))
  #expect(linux_reserve_descriptors(-1, 2048) == -EBADF)
}
