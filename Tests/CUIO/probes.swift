// Never run: what Swift's importer makes of the static probes for another architecture. A probe that
// is missing here is one that Tests/HotPath/check-probes misses.
import CUIO

public func callEveryProbe(
  _ line: UnsafePointer<cuio_line>, count: UInt64, result: Int32, unclaimed: UInt32
) {
  cuio_probe_interrupt_read(line, count)
  cuio_probe_dispatch_claimed(line)
  cuio_probe_dispatch_unclaimed(line)
  cuio_probe_line_rearmed(line, result)
  cuio_probe_storm_masked(line, unclaimed)
  cuio_probe_storm_resumed(line)
}
