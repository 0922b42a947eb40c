// Floor 5. What each user may take of the control thread's processor. Limits on counts and bytes do
// not bound what many small calls cost. A user that exceeds its share is not read from for a while:
// its calls stay in its sockets, it waits in its own send, and neither the control thread nor the
// caller keeps a processor from the dispatchers. Service makes it; VarlinkServer and
// ServerConnection charge users. Control thread only; no lock.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// The processor time of each user, and the users that wait for more.
package final class CPUQuota {
  /// Where the quota gets its times from; tests pass one of their own.
  package struct Clock {
    /// Nanoseconds of CLOCK_MONOTONIC.
    package var now: () -> UInt64
    /// Nanoseconds that the calling thread has had a processor.
    package var used: () -> UInt64
    /// Calls a body once after a time, on the loop's thread.
    package var after: (Duration, @escaping () -> Void) -> Void

    package init(
      now: @escaping () -> UInt64, used: @escaping () -> UInt64,
      after: @escaping (Duration, @escaping () -> Void) -> Void
    ) {
      self.now = now
      self.used = used
      self.after = after
    }

    /// The kernel's clocks and the loop's timers.
    package static func real(on loop: EventLoop) -> Clock {
      Clock(
        now: { EventLoop.now },
        used: { UInt64(clamping: linux_thread_cpu_time(pthread_self())) },
        after: { [unowned loop] in loop.after($0, $1) })
    }
  }

  /// The part of one processor's time that each user may have: more than 0, at most 1.
  package var share: Double
  /// Peers that may take as much as they like.
  package var exempts: (PeerCredentials) -> Bool = { _ in false }
  /// Called when a user is throttled that was not throttled lately.
  package var observe: (UInt32) -> Void = { _ in }

  private struct Account {
    /// Nanoseconds that may still be used, at `time`; less than 0 when too many were.
    var balance: Int64
    var time: UInt64
    /// When the user was last found to be over its share, or 0.
    var lastThrottled: UInt64 = 0
    var waiting: [() -> Void] = []
    var hasTimer = false
  }

  private let clock: Clock
  private var accounts: [UInt32: Account] = [:]
  /// The user that pays for what is being done, and the thread's time up to which it has paid.
  private var charged: (user: UInt32, time: UInt64)?

  /// A user can save up this much of its share. Nanoseconds.
  private static let period: UInt64 = 250_000_000
  /// A user that was throttled is reported again after this. Nanoseconds.
  private static let silence: UInt64 = 60_000_000_000

  package init(on loop: EventLoop, share: Double = 1, clock: Clock? = nil) {
    self.share = share
    self.clock = clock ?? .real(on: loop)
  }

  /// Runs `body` at a user's expense. Charges inside it go to the same user.
  package func charge<R>(_ user: UInt32, _ body: () -> R) -> R {
    guard charged == nil else { return body() }
    charged = (user, clock.used())
    defer {
      bill()
      charged = nil
    }
    return body()
  }

  /// The same for a peer, unless it is exempt.
  package func charge<R>(_ peer: PeerCredentials, _ body: () -> R) -> R {
    exempts(peer) ? body() : charge(peer.user, body)
  }

  /// Takes a new connection at its peer's expense.
  /// - Parameter take: whether it was taken.
  /// - Returns: false when it was turned away and its user has had its share.
  package func admit(_ peer: PeerCredentials, _ take: () -> Bool) -> Bool {
    charge(peer, take) || exempts(peer) || !isThrottled(peer.user)
  }

  /// Whether a user has had more than its share.
  package func isThrottled(_ user: UInt32) -> Bool {
    bill()
    accrue(user)
    return accounts[user].map { $0.balance < 0 } ?? false
  }

  /// Calls `body`, at the user's expense, as soon as the user is within its share and the bodies
  /// that wait already have had their turn.
  package func whenAllowed(_ user: UInt32, _ body: @escaping () -> Void) {
    guard isThrottled(user) || accounts[user]?.waiting.isEmpty == false else {
      return charge(user, body)
    }
    accounts[user]?.waiting.append(body)
    arm(user)
  }

  // MARK: Accounts

  /// The number of users whose use is remembered.
  var users: Int { accounts.count }

  private var most: Int64 { Int64(Double(Self.period) * share) }

  /// Adds to a balance what the user has gained up to now.
  private func accrue(_ user: UInt32) {
    guard var account = accounts[user] else { return }
    let now = clock.now()
    let gained = Int64(Double(now - account.time) * share)
    account.balance = min(account.balance + gained, most)
    account.time = now
    let isIdle = account.balance == most && account.waiting.isEmpty
    accounts[user] = isIdle && !isRemembered(account, now) ? nil : account
  }

  private func isRemembered(_ account: Account, _ now: UInt64) -> Bool {
    account.lastThrottled != 0 && now - account.lastThrottled < Self.silence
  }

  /// Takes the time used so far from the user that is charged.
  private func bill() {
    guard let (user, time) = charged else { return }
    let now = clock.used()
    charged?.time = now
    take(now &- time, from: user)
  }

  private func take(_ nanoseconds: UInt64, from user: UInt32) {
    accrue(user)
    // Forget the users that have not called for long.
    if accounts[user] == nil, accounts.count >= 64 { Array(accounts.keys).forEach(accrue) }
    let now = clock.now()
    var account = accounts[user] ?? Account(balance: most, time: now)
    account.balance -= Int64(clamping: nanoseconds)
    let isNews = account.balance < 0 && !isRemembered(account, now)
    if account.balance < 0 { account.lastThrottled = now }
    accounts[user] = account
    if isNews { observe(user) }
  }

  // MARK: Waiting

  private func arm(_ user: UInt32) {
    guard let account = accounts[user], !account.hasTimer, !account.waiting.isEmpty else { return }
    // At least 5 ms: waiting has a cost of its own.
    let debt = Double(max(-account.balance, 0)) / share
    accounts[user]?.hasTimer = true
    clock.after(.nanoseconds(Int64(max(debt, 5e6)))) { [weak self] in self?.resume(user) }
  }

  /// Runs the bodies that waited, as far as the share goes.
  private func resume(_ user: UInt32) {
    accounts[user]?.hasTimer = false
    for _ in 0..<(accounts[user]?.waiting.count ?? 0) {
      guard !isThrottled(user), let body = accounts[user]?.waiting.removeFirst() else { break }
      charge(user, body)
    }
    arm(user)
  }
}
