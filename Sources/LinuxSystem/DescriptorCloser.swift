// Closes what others made, on threads of its own: the last close of a file may wait for as long as
// its maker likes. Floor 1. VarlinkServer makes it and hands descriptors over, on the control
// thread, and never waits; the threads `closer` close. A monitor guards the queue and is held for a
// moment only. Each user has one close under way at a time, so a user that makes closes wait keeps
// its own descriptors waiting first.
import CLinuxSystem
import Glibc

/// Closes descriptors, in no order, for as long as it lives and until the last is closed.
package final class DescriptorCloser: Sendable {
  /// On whose account a descriptor is closed.
  package enum Owner: Hashable, Sendable {
    /// The process itself and those it trusts. They have a thread of their own.
    case trusted
    case user(UInt32)
  }

  private let queue = Queue()
  /// Closes at most so many descriptors of users at once.
  private static let threads = 3
  /// A wait that a signal can end is ended after this.
  private static let patience: UInt32 = 5
  private static let stackSize = 128 << 10

  /// - Throws: `SystemError`: EAGAIN when the limit of threads or memory is reached.
  package convenience init() throws(SystemError) {
    try self.init { linux_close_within($0, Self.patience) }
  }

  /// - Parameter body: closes a descriptor; called on the closer's threads.
  package init(_ body: @escaping @Sendable (Int32) -> Void) throws(SystemError) {
    do throws(SystemError) {
      for number in 0...Self.threads {
        let queue = queue
        let servesTrusted = number == 0
        let thread = try WorkerThread(name: "closer", stackSize: Self.stackSize) {
          while let (owner, raw) = queue.next(trusted: servesTrusted) {
            body(raw)
            queue.closed(owner)
          }
        }
        thread.detach()
      }
    } catch {
      queue.end()
      throw error
    }
  }

  /// The threads end once they have closed what was handed over. No thread waits for them.
  deinit { queue.end() }

  /// Closes a descriptor.
  package func close(_ raw: Int32, for owner: Owner) { queue.add(raw, owner) }

  /// An open file that is closed here with its last reference.
  package func adopt(_ raw: Int32, for owner: Owner) -> FileDescriptor {
    FileDescriptor(adopting: raw) { [queue] in queue.add($0, owner) }
  }

  /// How many of an owner's descriptors are not closed yet.
  package func pending(_ owner: Owner) -> Int { queue.pending(owner) }

  /// How many are not closed yet in all.
  package var pending: Int { queue.pending }
}

/// The descriptors that wait, and the owners of those that are being closed.
private final class Queue: @unchecked Sendable {
  private struct Account {
    var waiting: [Int32] = []
    var isBusy = false

    var count: Int { waiting.count + (isBusy ? 1 : 0) }
  }

  private let monitor = Monitor()
  private var accounts: [DescriptorCloser.Owner: Account] = [:]
  /// Users whose turn comes, in order: each has something waiting and nothing under way.
  private var turns: [DescriptorCloser.Owner] = []
  private var total = 0
  private var hasEnded = false

  func add(_ raw: Int32, _ owner: DescriptorCloser.Owner) {
    monitor.locked {
      total += 1
      accounts[owner, default: Account()].waiting.append(raw)
      guard accounts[owner]?.isBusy == false, accounts[owner]?.waiting.count == 1 else { return }
      if owner != .trusted { turns.append(owner) }
      monitor.broadcast()
    }
  }

  func end() {
    monitor.locked {
      hasEnded = true
      monitor.broadcast()
    }
  }

  /// Waits for a descriptor whose owner has no other under way. Nil after the end.
  func next(trusted: Bool) -> (DescriptorCloser.Owner, Int32)? {
    monitor.locked {
      while true {
        if let next = take(trusted) { return next }
        if hasEnded { return nil }
        monitor.wait { !hasEnded && !hasTurn(trusted) }
      }
    }
  }

  private func hasTurn(_ trusted: Bool) -> Bool {
    trusted ? accounts[.trusted]?.waiting.isEmpty == false : !turns.isEmpty
  }

  private func take(_ trusted: Bool) -> (DescriptorCloser.Owner, Int32)? {
    guard hasTurn(trusted) else { return nil }
    let owner = trusted ? .trusted : turns.removeFirst()
    accounts[owner]?.isBusy = true
    return accounts[owner]?.waiting.popLast().map { (owner, $0) }
  }

  func closed(_ owner: DescriptorCloser.Owner) {
    monitor.locked {
      total -= 1
      accounts[owner]?.isBusy = false
      guard accounts[owner]?.waiting.isEmpty == false else {
        accounts[owner] = nil
        return
      }
      guard owner != .trusted else { return }
      turns.append(owner)
      // The thread that calls this takes the turn itself, or one of another owner.
    }
  }

  func pending(_ owner: DescriptorCloser.Owner) -> Int {
    monitor.locked { accounts[owner]?.count ?? 0 }
  }

  var pending: Int { monitor.locked { total } }
}
