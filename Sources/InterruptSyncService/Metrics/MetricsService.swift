// The figures for who does not speak Varlink: in a file, and over HTTP.
import LinuxSystem
import UIO
import Varlink

/// Writes and serves the metrics as the settings say. On the control thread.
final class MetricsService {
  private let registry: DeviceRegistry
  private let loop: EventLoop
  private let journal: Journal
  private var policy: AccessPolicy
  private let server: MetricsServer
  private var file: MetricsFile?

  /// - Parameter sockets: those that the service manager opened for it.
  /// - Throws: `VarlinkError` when a socket cannot be had.
  init(
    of registry: DeviceRegistry, _ settings: DaemonSettings, _ policy: AccessPolicy,
    sockets: [FileDescriptor], on loop: EventLoop, quota: CPUQuota, journal: Journal
  ) throws(VarlinkError) {
    self.registry = registry
    self.loop = loop
    self.journal = journal
    self.policy = policy
    server = MetricsServer(on: loop, limits: settings.limits, quota: quota)
    server.text = { [unowned self] in text(for: $0) }
    for socket in sockets { try server.listen(on: socket) }
    try server.listen(at: settings.metricsSocket)
    write(settings)
  }

  /// Takes over settings that have changed. A socket that cannot be had is told, and the one of
  /// before stays.
  func apply(_ settings: DaemonSettings, _ policy: AccessPolicy) {
    self.policy = policy
    server.limits = settings.limits
    do throws(VarlinkError) { try server.listen(at: settings.metricsSocket) } catch {
      journal.log(.error, "\(error)", errno: error.errno)
    }
    write(settings)
  }

  func stop() {
    server.stop()
    file = nil
  }

  private func write(_ settings: DaemonSettings) {
    file = settings.metricsTextfile.map {
      MetricsFile($0, every: settings.metricsInterval, of: registry, on: loop, journal: journal)
    }
  }

  /// Of the devices that a peer may look at; nil for who may look at none.
  private func text(for peer: PeerCredentials) -> String? {
    guard policy.role(of: peer) >= .observe else { return nil }
    return OpenMetrics.text(
      registry.devices.filter { policy.role(of: peer, for: $0.configuration?.settings) >= .observe }
    )
  }
}
