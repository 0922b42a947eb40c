/// The measurements on lines behind UIO, for the process that started the guest.
struct RealLineReport: Codable {
  /// Latencies under one load.
  struct Load: Codable {
    var title: String
    /// From what to what.
    var interval: String
    var found: [Distribution]
  }

  var rows: [Measurement] = []
  var loads: [Load] = []

  /// Adds a load, and rows that compare its first server with the others that are ours. The first
  /// is the loop in C.
  mutating func add(_ load: Load) {
    loads.append(load)
    guard let peer = load.found.first else { return }
    for ours in load.found.dropFirst() where ours.name.hasPrefix(RealServer.ourName) {
      for (what, share) in [("median", 0.5), ("99.9th percentile", 0.999)] {
        rows.append(
          Measurement(
            "\(load.title), \(what), \(ours.name), against \(peer.name)",
            ours: ours.percentiles(share), peer: peer.percentiles(share), unit: "µs"))
      }
    }
  }
}
