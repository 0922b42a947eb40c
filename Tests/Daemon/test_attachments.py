"""What routines have counted, while a client attaches their line and afterwards."""
from daemon import Daemon, compiled_driver, eventually

DRIVER = r"""
#include <interruptsync/driver.h>
static int32_t service(void *context) {
  (void)context;
  return 0;
}
int32_t interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
  (void)host;
  *driver = (interruptsync_driver){.size = sizeof *driver, .service = service};
  return 0;
}"""


def test_counts_follow_the_names_of_routines():
    with compiled_driver(DRIVER) as driver, Daemon() as daemon, daemon.wire() as wire:
        def configure(*names):
            routines = "".join(f"[Routine]\nName={name}\nDriver={driver}\n" for name in names)
            daemon.write("devices/10-soft.device", f"[Match]\nSoftwareLine=soft\n[Device]\nMode=all\n{routines}")
            wire.call("Reload")

        def calls():
            routines = wire.call("GetStatistics", device="soft")["statistics"][0]["routines"]
            assert all(routine["calls"] == routine["claims"] for routine in routines)
            metrics = wire.call("GetMetrics")["text"]
            for routine in routines:
                sample = f'interruptsync_routine_calls_total{{device="soft",routine="{routine["name"]}"}} {routine["calls"]}'
                assert sample in metrics, metrics
            return {routine["name"]: routine["calls"] for routine in routines}

        def raise_one():
            before = daemon.interrupts(wire)
            wire.call("Trigger", device="soft")
            eventually("an interrupt", lambda: daemon.interrupts(wire) == before + 1)

        configure("first", "second")
        raise_one(), raise_one()
        assert calls() == {"first": 2, "second": 2}
        configure("second", "third")
        raise_one()
        assert calls() == {"second": 3, "third": 1}
        wire.call("Attach", device="soft")
        raise_one()
        eventually("the client's call", lambda: calls() == {"client": 1})
        wire.call("Detach", device="soft")
        # A name that a reload took away begins at 0 again.
        configure("first", "second", "third")
        assert calls() == {"first": 0, "second": 3, "third": 1}
        raise_one()
        assert calls() == {"first": 1, "second": 4, "third": 2}
