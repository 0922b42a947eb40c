// Two operations on one object at a time, on two threads, beside the thread that serves the line: every pair, with a
// thread of the line's own and with a group's.
import CSchedule
import InterruptSync

/// What one script does.
enum Operation: String, CaseIterable, Sendable {
  case connect, disconnect, cancel, release, drop, report, end, call

  func perform(in world: World) {
    guard let object = world.current else { return }
    switch self {
    case .connect:
      do { try object.connect() } catch {
        if error.code != .alreadyConnected { world.flaw("connect: \(error)") }
      }
    case .disconnect:
      Self.disconnect(object, world)
      // Where neither the other script nor the end connects again, nothing may run from now on.
      if !world.scenario.has(.connect) { world.isClosed.store(true, ordering: .releasing) }
    case .cancel:
      world.second?.cancel()
      world.isCancelled.store(true, ordering: .releasing)
    case .release:
      do { try object.releaseLine() } catch { world.flaw("release: \(error)") }
    case .drop: break
    case .report, .end: world.device.ask()
    case .call: world.call(object)
    }
  }

  static func disconnect(_ object: InterruptSyncObject, _ world: World) {
    do { try object.disconnect() } catch { world.flaw("disconnect: \(error)") }
  }
}

struct Scenario: Sendable {
  enum Plant: String, CaseIterable, Sendable {
    /// A call that does not take the lock.
    case callWithoutLock = "planted-call"
    /// An interrupt that is lost in some orders.
    case forgetfulDevice = "planted-device"
    /// A thread that looks whether there is news after it has freed the mutex.
    case lateLook = "planted-look"
  }

  let first: Operation
  let second: Operation
  let isGrouped: Bool
  var plant: Plant?

  var name: String { plant?.rawValue ?? "\(isGrouped ? "group-" : "")\(first)-\(second)" }
  /// A pair with connect begins with an object that is not connected.
  var beginsConnected: Bool { !has(.connect) }
  func has(_ operation: Operation) -> Bool { first == operation || second == operation }

  /// Every pair, and both ways of serving. Two threads cannot both hold the last reference.
  static let all: [Scenario] = [false, true].flatMap { isGrouped in
    Operation.allCases.enumerated().flatMap { index, first in
      Operation.allCases[index...].compactMap { second in
        first == .drop && second == .drop
          ? nil : Scenario(first: first, second: second, isGrouped: isGrouped)
      }
    }
  }

  /// Mistakes, each of which is found.
  static let planted = Plant.allCases.map {
    switch $0 {
    case .callWithoutLock: Scenario(first: .cancel, second: .call, isGrouped: false, plant: $0)
    case .forgetfulDevice: Scenario(first: .report, second: .call, isGrouped: false, plant: $0)
    case .lateLook: Scenario(first: .connect, second: .disconnect, isGrouped: false, plant: $0)
    }
  }
}
