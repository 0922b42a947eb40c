// Roles fail closed.
import Testing
import Varlink

@testable import InterruptSyncService

private func peer(_ user: UInt32, _ group: UInt32, _ groups: [UInt32] = []) -> PeerCredentials {
  PeerCredentials(user: user, group: group, process: 1, supplementaryGroups: groups)
}

private func settings(
  observe: [String] = [], control: [String] = [], admin: [String] = []
) -> DaemonSettings {
  var settings = DaemonSettings()
  settings.observeGroups = observe
  settings.controlGroups = control
  settings.adminGroups = admin
  return settings
}

@Test func rootIsAdminAndOthersLook() {
  let policy = AccessPolicy(settings()) { Issue.record("unknown group \($0)") }
  #expect(policy.role(of: peer(0, 0)) == .admin)
  #expect(policy.role(of: peer(1000, 1000)) == .observe)
}

@Test func groupsGiveRoles() {
  let policy = AccessPolicy(
    settings(observe: ["100"], control: ["200"], admin: ["300"])
  ) { Issue.record("unknown group \($0)") }
  #expect(policy.role(of: peer(1, 1)) == .none)
  #expect(policy.role(of: peer(1, 100)) == .observe)
  #expect(policy.role(of: peer(1, 1, [7, 200])) == .control)
  #expect(policy.role(of: peer(1, 1, [200, 300])) == .admin)
}

@Test func aGroupThatDoesNotExistGivesNothing() {
  var unknown: [String] = []
  let policy = AccessPolicy(
    settings(observe: ["no-such-group"], control: ["no-such-group"], admin: ["no-such-group"])
  ) { unknown.append($0) }
  #expect(unknown.count == 3)
  #expect(policy.role(of: peer(1, 1)) == .none)
  #expect(policy.role(of: peer(0, 0)) == .admin)
}

@Test func aDevicesGroupsTakeThePlaceOfTheDaemons() {
  let policy = AccessPolicy(settings(control: ["200"])) { _ in }
  var device = DeviceSettings()
  #expect(policy.role(of: peer(1, 200), for: device) == .control)
  device.controlGroups = ["400"]
  #expect(policy.role(of: peer(1, 200), for: device) == .observe)
  #expect(policy.role(of: peer(1, 400), for: device) == .control)
  device.observeGroups = ["500"]
  #expect(policy.role(of: peer(1, 1), for: device) == .none)
  #expect(policy.role(of: peer(1, 500), for: device) == .observe)
  #expect(policy.role(of: peer(0, 0), for: device) == .admin)
}
