"""Clients without a right: each call that their groups do not allow is refused, has no effect and is logged."""
import grp
import os

from daemon import NOBODY, Daemon, as_user, eventually, refused

DENIED = "org.varlink.service.PermissionDenied"

CHANGING = [
    ("Connect", {"device": "soft"}),
    ("Disconnect", {"device": "soft"}),
    ("Trigger", {"device": "soft"}),
    ("SetMode", {"device": "soft", "mode": "all"}),
    ("SetPolicy", {"device": "soft", "policy": "other"}),
    ("Transact", {"device": "soft", "operations": []}),
    ("Attach", {"device": "soft"}),
    ("Complete", {"device": "soft", "claimed": True}),
    ("Detach", {"device": "soft"}),
    ("Reload", {}),
]
LOOKING = [
    ("ListDevices", {}),
    ("DescribeDevice", {"device": "soft"}),
    ("GetStatistics", {}),
    ("GetMetrics", {}),
    ("GetHistograms", {"device": "soft"}),
    ("Subscribe", {"device": "soft"}),
]


def test_who_may_not_write_to_the_socket_cannot_connect():
    with Daemon() as daemon:
        assert os.stat(daemon.path).st_mode & 0o777 == 0o664, oct(os.stat(daemon.path).st_mode)

        def connect():
            try:
                daemon.wire()
            except PermissionError:
                return
            raise AssertionError("connected")

        as_user(NOBODY, NOBODY, connect)


def test_who_is_in_no_group_may_look_and_nothing_else():
    with Daemon() as daemon, daemon.wire() as wire:
        daemon.let_every_user_connect()
        before = wire.call("ListDevices"), wire.call("GetStatistics")

        def calls():
            with daemon.wire() as wire:
                for method, parameters in LOOKING:
                    wire.call(method, **parameters)
                for method, parameters in CHANGING:
                    refused(DENIED, wire.call, method, **parameters)
                    wire.post(method, parameters, oneway=True)
                wire.call("ListDevices")

        as_user(NOBODY, NOBODY, calls)
        assert before == (wire.call("ListDevices"), wire.call("GetStatistics"))
        for method, _ in CHANGING:
            assert any(f"{NOBODY}" in line and method in line for line in daemon.log.splitlines()), method
        daemon.still_dispatches()


def test_who_may_look_may_not_begin_a_period_of_histograms():
    with Daemon() as daemon, daemon.wire() as wire:
        daemon.let_every_user_connect()
        wire.call("Trigger", device="soft")

        def counted():
            service = wire.call("GetHistograms", device="soft", period="reset")["devices"][0]["histograms"][0]
            return service["count"] == 1

        eventually("a time", counted)

        def calls():
            with daemon.wire() as wire:
                refused(DENIED, wire.call, "ResetHistograms", device="soft")

        as_user(NOBODY, NOBODY, calls)
        assert counted()


def test_descriptors_of_who_is_no_admin_are_not_taken():
    settings = f"ControlGroup={NOBODY}"
    with Daemon(settings=settings) as daemon, daemon.wire() as wire, open("/dev/null", "r+") as null:
        daemon.let_every_user_connect()
        # After an answer the daemon's descriptors include this connection's.
        wire.call("ListDevices")

        def calls():
            for _ in range(20):
                with daemon.wire() as wire:
                    try:
                        wire.post("AdoptDevice", {"device": "soft", "node": 0}, files=[null.fileno()])
                        assert wire.ends()
                    except PermissionError:
                        # The kernel refuses them from Linux 6.16 on, and calls without go on.
                        refused("org.varlink.service.InvalidParameter", wire.call, "AdoptDevice", device="soft", node=0)
                        wire.call("Trigger", device="soft")

        before = len(daemon.descriptors())
        as_user(NOBODY, NOBODY, calls)
        eventually("its descriptors closed", lambda: len(daemon.descriptors()) <= before)
        daemon.still_dispatches()


def test_groups_that_are_not_there_let_nobody_in():
    settings = "ObserveGroup=no-such-group\nControlGroup=no-such-group\nAdminGroup=no-such-group"
    with Daemon(settings=settings) as daemon:
        daemon.let_every_user_connect()
        assert "no-such-group" in daemon.log

        def calls():
            with daemon.wire() as wire:
                assert wire.call("org.varlink.service.GetInfo")["product"]
                for method, parameters in LOOKING + CHANGING:
                    refused(DENIED, wire.call, method, **parameters)
                wire.post("WatchDevices", more=True)
                refused(DENIED, wire.answer)

        as_user(NOBODY, NOBODY, calls)
        daemon.still_dispatches()


def test_members_of_a_group_may_do_what_it_is_for():
    group = grp.getgrnam("daemon")
    device = "[Device]\nControlGroup=daemon\nObserveGroup=daemon\n"
    with Daemon(device=device) as daemon:
        daemon.let_every_user_connect()

        def member():
            with daemon.wire() as wire:
                wire.call("Trigger", device="soft", count=2)
                refused(DENIED, wire.call, "Reload")

        def stranger():
            with daemon.wire() as wire:
                assert "soft" not in [device["id"] for device in wire.call("ListDevices")["devices"]]
                assert "soft" not in wire.call("GetMetrics")["text"]
                for method, parameters in LOOKING + CHANGING:
                    if "device" in parameters:
                        refused("io.interruptsync.NoSuchDevice", wire.call, method, **parameters)

        as_user(NOBODY, group.gr_gid, member)
        as_user(NOBODY, NOBODY, member, groups=[group.gr_gid])
        as_user(NOBODY, NOBODY, stranger)
        with daemon.wire() as wire:
            eventually("what members triggered", lambda: daemon.interrupts(wire) == 4)


def test_refusals_do_not_fill_the_log():
    with Daemon() as daemon:
        daemon.let_every_user_connect()

        def calls():
            with daemon.wire() as wire:
                for _ in range(500):
                    refused(DENIED, wire.call, "Reload")

        as_user(NOBODY, NOBODY, calls)
        assert daemon.log.count("may not call") == 20, daemon.log
