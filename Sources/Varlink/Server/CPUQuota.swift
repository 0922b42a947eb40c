// Counts and bytes do not bound what many small calls cost. Who has used up its share of the
// processor is not read from for a while: its calls stay in its sockets, it waits in its own send,
// and neither the control thread nor the caller keeps a processor from the dispatchers.
import CLinuxSystem
package import LinuxSystem

/// What each user may take of the control thread's processor. On the loop's thread.
package final class CPUQuota {
  /// The part of one processor's time that each user may have: more than 0, at most 1.
  package var share: Double
  /// Who may take as much as it likes.
  package var exempts: (PeerCredentials) -> Bool = { _ in false }
  /// Told when a user is held up that was not lately.
  package var observe: (UInt32) -> Void = { _ in }

  private struct Account {
    /// Nanoseconds that may still be used, at `time`; less than 0 when too many were.
    var balance: Int64
    var time: UInt64
    /// When the user was last found to be over its share, or 0.
    var lastThrottled: UInt64 = 0
    var waiting: [() -> Void] = []
    var timer: LoopTimer?
  }

  private let loop: EventLoop
  private var accounts: [UInt32: Account] = [:]
  /// At whose expense something is being done, and the thread's time up to which that is accounted.
  private var charged: (user: UInt32, time: UInt64)?

  /// What may be saved up: so much of the share. Nanoseconds.
  private static let period: UInt64 = 250_000_000
  /// A user that was held up is told of again after this. Nanoseconds.
  private static let silence: UInt64 = 60_000_000_000

  package init(on loop: EventLoop, share: Double = 1) {
    self.loop = loop
    self.share = share
  }

  /// Does something for a user, at its expense. What is done within it, for whomever, belongs to it.
  package func charge<R>(_ user: UInt32, _ body: () -> R) -> R {
    guard charged == nil else { return body() }
    charged = (user, cvarlink_thread_time())
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

  /// Has a new connection taken, at its peer's expense.
  /// - Parameter take: whether it was taken.
  /// - Returns: false when it was turned away and its user has had its share.
  package func admit(_ peer: PeerCredentials, _ take: () -> Bool) -> Bool {
    charge(peer, take) || exempts(peer) || !isThrottled(peer.user)
  }

  /// Whether a user has had more than its share.
  package func isThrottled(_ user: UInt32) -> Bool {
    bill()
    settle(user)
    return accounts[user].map { $0.balance < 0 } ?? false
  }

  /// Has `body` called, at the user's expense, as soon as the user is within its share and those
  /// that wait already have had their turn.
  package func whenAllowed(_ user: UInt32, _ body: @escaping () -> Void) {
    guard isThrottled(user) || accounts[user]?.waiting.isEmpty == false else {
      return charge(user, body)
    }
    accounts[user]?.waiting.append(body)
    arm(user)
  }

  // MARK: Accounts

  /// Users whose use is remembered.
  var users: Int { accounts.count }

  private var most: Int64 { Int64(Double(Self.period) * share) }

  /// Brings a balance up to now.
  private func settle(_ user: UInt32) {
    guard var account = accounts[user] else { return }
    let now = EventLoop.now
    let gained = Int64(Double(now - account.time) * share)
    account.balance = min(account.balance + gained, most)
    account.time = now
    let isIdle = account.balance == most && account.waiting.isEmpty
    accounts[user] = isIdle && !isRemembered(account, now) ? nil : account
  }

  private func isRemembered(_ account: Account, _ now: UInt64) -> Bool {
    account.lastThrottled != 0 && now - account.lastThrottled < Self.silence
  }

  /// Takes what has been used since from whom it is done for.
  private func bill() {
    guard let (user, time) = charged else { return }
    let now = cvarlink_thread_time()
    charged?.time = now
    take(now &- time, from: user)
  }

  private func take(_ nanoseconds: UInt64, from user: UInt32) {
    settle(user)
    // Who has not been here for long is forgotten.
    if accounts[user] == nil, accounts.count >= 64 { Array(accounts.keys).forEach(settle) }
    let now = EventLoop.now
    var account = accounts[user] ?? Account(balance: most, time: now)
    account.balance -= Int64(clamping: nanoseconds)
    let isNews = account.balance < 0 && !isRemembered(account, now)
    if account.balance < 0 { account.lastThrottled = now }
    accounts[user] = account
    if isNews { observe(user) }
  }

  // MARK: Waiting

  private func arm(_ user: UInt32) {
    guard let account = accounts[user], account.timer == nil, !account.waiting.isEmpty else {
      return
    }
    // Not for each little debt: to wait costs something, too.
    let debt = Double(max(-account.balance, 0)) / share
    let delay = Duration.nanoseconds(Int64(max(debt, 5e6)))
    accounts[user]?.timer = loop.after(delay) { [weak self] in self?.resume(user) }
  }

  /// Those that waited, as far as the share goes.
  private func resume(_ user: UInt32) {
    accounts[user]?.timer = nil
    for _ in 0..<(accounts[user]?.waiting.count ?? 0) {
      guard !isThrottled(user), let body = accounts[user]?.waiting.removeFirst() else { break }
      charge(user, body)
    }
    arm(user)
  }
}
