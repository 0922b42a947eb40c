"""A line that a client has attached: who may raise its interrupts meanwhile, and what its routines have counted."""
from daemon import NOBODY, Daemon, as_user, compiled_driver, eventually, refused

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
OTHER = 60001


def test_an_attached_devices_transactions_are_for_its_user_alone():
    with Daemon(settings=f"ControlGroup={NOBODY}") as daemon:
        daemon.let_every_user_connect()

        def owner():
            with daemon.wire() as wire, daemon.wire() as other:
                wire.call("Attach", device="soft")
                # Another program of the same user.
                assert other.call("Transact", device="soft", operations=[])["results"] == []
                other.call("Trigger", device="soft")
                refused("io.interruptsync.NotAttached", other.call, "Complete", device="soft", claimed=True)
                refused("io.interruptsync.Busy", other.call, "Attach", device="soft")
                assert wire.call("Complete", device="soft", claimed=True)["interrupts"] >= 0

        as_user(NOBODY, NOBODY, owner)

        def transact():
            with daemon.wire() as wire:
                wire.call("Transact", device="soft", operations=[])

        def is_refused():
            with daemon.wire() as wire:
                error = refused("io.interruptsync.Busy", wire.call, "Transact", device="soft", operations=[])
                assert "another user" in error.parameters["message"], error

        with daemon.wire() as wire:
            eventually("the end of the attachment", lambda: state(wire) == "connected")
            wire.call("Attach", device="soft")
            # Of root's, which no other user's group changes.
            as_user(NOBODY, NOBODY, is_refused)
            as_user(OTHER, NOBODY, is_refused)
            wire.call("Detach", device="soft")
            as_user(OTHER, NOBODY, transact)


def state(wire):
    return wire.call("DescribeDevice", device="soft")["device"]["state"]


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
