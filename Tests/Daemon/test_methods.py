"""PyPI's varlink calls every method of io.interruptsync and checks each reply against the interface's description."""
import re
import threading

import varlink
from daemon import PATIENCE, Daemon, eventually, refused

INTERFACE = "io.interruptsync"


class Judge:
    """A connection of PyPI's client that notes what it called and which errors it saw."""

    called = set()
    errors = set()

    def __init__(self, daemon):
        self.client = varlink.Client("unix:" + daemon.path)
        self.connection = self.client.open(INTERFACE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def call(self, method, **parameters):
        Judge.called.add(method)
        return getattr(self.connection, method)(**parameters)

    def more(self, method, **parameters):
        Judge.called.add(method)
        return getattr(self.connection, method)(_more=True, **parameters)

    def refuse(self, error, method, **parameters):
        """The error's parameters."""
        name = error if "." in error else f"{INTERFACE}.{error}"
        Judge.errors.add(name)
        return refused(name, self.call, method, **parameters).parameters() or {}

    def interrupts(self, device):
        return self.call("GetStatistics", device=device)["statistics"][0]["interrupts"]

    def state(self, device):
        return self.call("DescribeDevice", device=device)["device"]["state"]


def test_the_service_says_who_it_is():
    with Daemon() as daemon, varlink.Client("unix:" + daemon.path).open("org.varlink.service") as service:
        info = service.GetInfo()
        assert info["product"] == "interruptsyncd" and info["vendor"] and info["version"], info
        assert set(info["interfaces"]) == {"org.varlink.service", INTERFACE}, info
        for name in info["interfaces"]:
            text = service.GetInterfaceDescription(name)["description"]
            assert re.search(rf"^interface {name}$", text, re.M), text
            varlink.Interface(text)


def test_devices_are_listed_described_and_watched():
    with Daemon(lines=("soft", "other")) as daemon, Judge(daemon) as judge, Judge(daemon) as watcher:
        devices = {device["id"]: device for device in judge.call("ListDevices")["devices"]}
        for name in ("soft", "other"):
            expected = {"state": "connected", "mode": "normal", "file": "10-soft.device", "regions": []}
            assert expected.items() <= devices[name].items(), devices[name]
            assert judge.call("DescribeDevice", device=name)["device"] == devices[name]
        assert judge.refuse("NoSuchDevice", "DescribeDevice", device="none")["device"] == "none"
        changes = watcher.more("WatchDevices")
        first = next(changes)
        assert first["event"] == "present" and {d["id"] for d in first["devices"]} == set(devices), first
        judge.call("Disconnect", device="soft")
        change = next(changes)
        assert (change["event"], change["devices"][0]["state"]) == ("changed", "listed"), change
        judge.refuse("org.varlink.service.ExpectedMore", "WatchDevices")


def test_lines_are_triggered_connected_and_disconnected():
    with Daemon() as daemon, Judge(daemon) as judge:
        judge.call("Trigger", device="soft", count=40)
        judge.call("Trigger", device="soft")
        eventually("41 interrupts", lambda: judge.interrupts("soft") == 41)
        statistics = judge.call("GetStatistics")["statistics"]
        assert [entry["id"] for entry in statistics if entry["id"] == "soft"], statistics
        assert judge.refuse("WrongState", "Connect", device="soft")["state"] == "connected"
        judge.call("Disconnect", device="soft")
        assert judge.state("soft") == "listed"
        judge.refuse("WrongState", "Transact", device="soft", operations=[])
        judge.call("Trigger", device="soft", count=2)
        with Judge(daemon) as other:
            other.call("Connect", device="soft")
            eventually("what was kept", lambda: judge.interrupts("soft") == 43)
        eventually("the end of the connection", lambda: judge.state("soft") == "listed")
        judge.call("Connect", device="soft", persistent=True)
        assert judge.state("soft") == "connected"


def test_mode_and_policy_are_changed():
    with Daemon() as daemon, Judge(daemon) as judge:
        for mode in ("all", "repeat", "normal"):
            judge.call("SetMode", device="soft", mode=mode)
            assert judge.call("DescribeDevice", device="soft")["device"]["mode"] == mode
        judge.call("SetPolicy", device="soft", policy="other")
        assert judge.refuse("org.varlink.service.InvalidParameter", "SetMode", device="soft", mode="best")
        assert judge.refuse("org.varlink.service.InvalidParameter", "SetPolicy", device="soft", policy="fifo")
        daemon.still_dispatches()


def test_the_configuration_is_read_anew_or_refused_with_its_faults():
    with Daemon() as daemon, Judge(daemon) as judge:
        daemon.write("devices/20-more.device", "[Match]\nSoftwareLine=more\n")
        judge.call("Reload")
        assert judge.state("more") == "connected"
        daemon.write("devices/20-more.device", "[Match]\nSoftwareLine=more\n[Device]\nMode=best\nColour=green\n")
        faults = judge.refuse("ConfigurationRejected", "Reload")["diagnostics"]
        assert [fault["line"] for fault in faults] == [4, 5], faults
        assert judge.state("more") == "connected"


def test_interrupts_are_subscribed_to_and_streamed():
    with Daemon(settings="SubscriptionsPerUserMax=2") as daemon, Judge(daemon) as judge, Judge(daemon) as streaming:
        reply = judge.call("Subscribe", device="soft", capacity=16)
        assert reply == {"ring": 0, "event": 1, "captures": []}, reply
        judge.refuse("org.varlink.service.ExpectedMore", "Events", device="soft")
        events = streaming.more("Events", device="soft")
        # The first answer comes with the first interrupt.
        streaming.connection._connection.settimeout(PATIENCE)
        seen = 0
        source = daemon.wire()
        stop = threading.Event()

        def trigger():
            while not stop.wait(0.02):
                source.call("Trigger", device="soft", count=2)

        thread = threading.Thread(target=trigger)
        thread.start()
        try:
            for _ in range(5):
                event = next(events)
                assert event["interrupts"] > 0, event
                # As in Statistics.
                assert event["coalesced"] == event["interrupts"] - event["dispatches"], event
                assert event["claimed"] and event["captured"] == {}, event
                seen += event["interrupts"]
        finally:
            stop.set()
            thread.join()
            source.close()
        assert seen <= judge.interrupts("soft")
        with Judge(daemon) as third:
            assert third.refuse("TooManyRegistrations", "Subscribe", device="soft")["limit"] == 2


def test_operations_are_run_or_refused_before_the_first():
    with Daemon() as daemon, Judge(daemon) as judge:
        assert judge.call("Transact", device="soft", operations=[])["results"] == []
        read = {"operation": "read", "register": "bar0:0x24/32"}
        refusal = judge.refuse("BadRegister", "Transact", device="soft", operations=[read])
        assert refusal["operation"] == 0 and refusal["message"], refusal
        assert judge.refuse("TooLarge", "Transact", device="soft", operations=[read] * 65)["limit"] == 64


def test_a_line_is_attached_completed_and_detached():
    with Daemon() as daemon, Judge(daemon) as judge, Judge(daemon) as other:
        assert judge.call("Attach", device="soft", deadlineMicroseconds=5_000_000)["event"] == 0
        assert other.state("soft") == "attached"
        assert other.refuse("Busy", "Attach", device="soft")["device"] == "soft"
        other.refuse("NotAttached", "Complete", device="soft", claimed=True)
        other.call("Trigger", device="soft", count=6)
        eventually("six", lambda: other.interrupts("soft") == 6)
        assert judge.call("Complete", device="soft", claimed=True)["interrupts"] == 6
        judge.call("Detach", device="soft")
        judge.refuse("NotAttached", "Detach", device="soft")
        assert other.state("soft") == "connected"
        daemon.still_dispatches()


def test_metrics_are_read():
    with Daemon() as daemon, Judge(daemon) as judge:
        assert judge.call("GetMetrics")["text"].endswith("# EOF\n")


def test_histograms_are_read_and_reset():
    with Daemon() as daemon, Judge(daemon) as judge:
        judge.call("Trigger", device="soft", count=3)
        service = lambda: judge.call("GetHistograms", device="soft", period="start")["devices"][0]["histograms"][0]
        eventually("a time", lambda: service()["count"] >= 1)
        assert service()["buckets"] and service()["p99Nanoseconds"] > 0
        judge.call("ResetHistograms", device="soft")
        assert [entry["id"] for entry in judge.call("GetHistograms")["devices"]] == ["soft"]


def test_descriptors_are_asked_for_where_a_device_is_brought():
    # PyPI's client cannot send descriptors, so the test sends them in bytes.
    with Daemon() as daemon, Judge(daemon) as judge, daemon.wire() as wire, open("/dev/null", "r+") as null:
        refusal = judge.refuse("org.varlink.service.InvalidParameter", "AdoptDevice", device="soft", node=0)
        assert refusal == {"parameter": "node"}, refusal
        wire.call("ListDevices")
        before = len(daemon.descriptors())
        for _ in range(20):
            wire.post("AdoptDevice", {"device": "soft", "node": 0}, files=[null.fileno()])
            said = refused(f"{INTERFACE}.WrongState", wire.answer).parameters
            assert said["state"] == "connected" and "software line" in said["message"], said
        wire.post("AdoptDevice", {"device": "none", "node": 0}, files=[null.fileno()])
        refused(f"{INTERFACE}.NoSuchDevice", wire.answer)
        eventually("its descriptors closed", lambda: len(daemon.descriptors()) <= before)
        daemon.still_dispatches()


def test_every_method_was_called(whole_file):
    with Daemon() as daemon, varlink.Client("unix:" + daemon.path).open("org.varlink.service") as service:
        text = service.GetInterfaceDescription(INTERFACE)["description"]
    declared = set(re.findall(r"^method (\w+)", text, re.M))
    assert Judge.called == declared, declared ^ Judge.called
    # These need hardware: the guests provoke them.
    hardware = {"WaitExpired", "DeviceGone", "SystemFailure", "NotAllowed", "BadDescriptor"}
    errors = {f"{INTERFACE}.{name}" for name in set(re.findall(r"^error (\w+)", text, re.M)) - hardware}
    assert errors <= Judge.errors, errors - Judge.errors
