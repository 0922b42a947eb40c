"""systemd's varlinkctl calls every method.

Debian 12 has no varlinkctl: TRIXIE is the tree of a Debian 13, and the tool runs here with that tree's libraries.
"""
import json
import os
import re
import subprocess
import threading

from daemon import PATIENCE, Daemon, eventually

TREE = os.environ.get("TRIXIE", "/TRIXIE-is-not-set")
LIBRARIES = f"{TREE}/usr/lib/x86_64-linux-gnu"
TOOL = [
    f"{TREE}/usr/lib64/ld-linux-x86-64.so.2",
    "--library-path",
    f"{LIBRARIES}:{LIBRARIES}/systemd",
    f"{TREE}/usr/bin/varlinkctl",
    "--no-pager",
]
INTERFACE = "io.interruptsync"
called = set()


def varlinkctl(*arguments, status=0):
    """Its output and its error output."""
    ended = subprocess.run(TOOL + list(arguments), capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == status, f"{arguments}: {ended}"
    return ended.stdout, ended.stderr


def call(daemon, method, **parameters):
    called.add(method)
    output, _ = varlinkctl("-j", "call", daemon.path, f"{INTERFACE}.{method}", json.dumps(parameters))
    return json.loads(output)


def refuse(daemon, error, method, **parameters):
    """The error's parameters."""
    called.add(method)
    name = error if "." in error else f"{INTERFACE}.{error}"
    output, said = varlinkctl(
        "-j", "call", daemon.path, f"{INTERFACE}.{method}", json.dumps(parameters), status=1
    )
    assert name in said, said
    return json.loads(output)


def stream(daemon, method, count, act=None, **parameters):
    """The first replies of a stream; `act` is called again and again meanwhile."""
    called.add(method)
    command = ["-j", "--more", "--timeout=infinity", "call", daemon.path, f"{INTERFACE}.{method}"]
    tool = subprocess.Popen(TOOL + command + [json.dumps(parameters)], stdout=subprocess.PIPE, text=True)
    stop = threading.Event()

    def work():
        while act and not stop.wait(0.02):
            act()

    thread = threading.Thread(target=work)
    timer = threading.Timer(PATIENCE, tool.kill)
    thread.start()
    timer.start()
    try:
        replies = []
        while len(replies) < count:
            line = tool.stdout.readline()
            assert line, f"the stream ended after {replies}"
            replies.append(json.loads(line.strip("\x1e\n")))
        return replies
    finally:
        stop.set()
        timer.cancel()
        tool.kill()
        tool.wait()
        tool.stdout.close()
        thread.join()


def test_the_description_is_valid_for_systemd():
    source = "Sources/InterruptSyncService/Clients/io.interruptsync.varlink"
    varlinkctl("validate-idl", source)
    with Daemon() as daemon:
        info = json.loads(varlinkctl("-j", "info", daemon.path)[0])
        assert set(info["interfaces"]) == {"org.varlink.service", INTERFACE}, info
        assert varlinkctl("list-interfaces", daemon.path)[0].split() == sorted(info["interfaces"])
        for name in info["interfaces"]:
            output, _ = varlinkctl("introspect", daemon.path, name)
            assert re.search(rf"interface {name}$", output, re.M), output
        methods = varlinkctl("list-methods", daemon.path, INTERFACE)[0].split()
        with open(source) as file:
            declared = re.findall(r"^method (\w+)", file.read(), re.M)
        assert sorted(methods) == sorted(f"{INTERFACE}.{name}" for name in declared), methods


def test_devices_are_looked_at():
    with Daemon() as daemon:
        device = [entry for entry in call(daemon, "ListDevices")["devices"] if entry["id"] == "soft"][0]
        assert device["state"] == "connected"
        assert call(daemon, "DescribeDevice", device="soft")["device"] == device
        assert refuse(daemon, "NoSuchDevice", "DescribeDevice", device="none")["device"] == "none"
        assert call(daemon, "GetStatistics", device="soft")["statistics"][0]["interrupts"] == 0
        histograms = call(daemon, "GetHistograms", device="soft")["devices"][0]["histograms"]
        assert {entry["what"]: entry["count"] for entry in histograms}["service"] == 0, histograms
        call(daemon, "ResetHistograms", device="soft")
        assert refuse(daemon, "NoSuchDevice", "ResetHistograms", device="none")["device"] == "none"
        assert call(daemon, "GetMetrics")["text"].endswith("# EOF\n")
        assert refuse(daemon, "org.varlink.service.InvalidParameter", "DescribeDevice") == {"parameter": "device"}


def test_devices_are_changed():
    with Daemon() as daemon, daemon.wire() as wire:
        call(daemon, "Trigger", device="soft", count=3)
        eventually("three", lambda: daemon.interrupts(wire) == 3)
        call(daemon, "SetMode", device="soft", mode="all")
        call(daemon, "SetPolicy", device="soft", policy="other")
        call(daemon, "Disconnect", device="soft")
        refuse(daemon, "WrongState", "Transact", device="soft", operations=[])
        call(daemon, "Connect", device="soft", persistent=True)
        assert refuse(daemon, "WrongState", "Connect", device="soft")["state"] == "connected"
        call(daemon, "Reload")
        daemon.write("devices/20-wrong.device", "[Match]\nColour=green\n")
        assert refuse(daemon, "ConfigurationRejected", "Reload")["diagnostics"][0]["line"] == 2


def test_devices_are_watched():
    with Daemon() as daemon, daemon.wire() as wire:
        modes = ["all", "normal"]

        def change():
            modes.reverse()
            wire.call("SetMode", device="soft", mode=modes[0])

        replies = stream(daemon, "WatchDevices", 4, change)
        assert [reply["event"] for reply in replies] == ["present", "changed", "changed", "changed"], replies
        refuse(daemon, "org.varlink.service.ExpectedMore", "WatchDevices")


def test_interrupts_are_streamed():
    with Daemon() as daemon, daemon.wire() as wire:
        replies = stream(
            daemon, "Events", 5, lambda: wire.call("Trigger", device="soft", count=2), device="soft"
        )
        assert all(reply["interrupts"] > 0 and reply["claimed"] for reply in replies), replies
        assert call(daemon, "Subscribe", device="soft", capacity=16) == {"ring": 0, "event": 1, "captures": []}


def test_lines_are_lent_and_operations_run():
    with Daemon() as daemon:
        assert call(daemon, "Transact", device="soft", operations=[])["results"] == []
        read = {"operation": "read", "register": "bar0:0/32"}
        assert refuse(daemon, "BadRegister", "Transact", device="soft", operations=[read])["operation"] == 0
        assert refuse(daemon, "TooLarge", "Transact", device="soft", operations=[read] * 65)["limit"] == 64
        # An attachment ends with its connection, and each call has one of its own.
        assert call(daemon, "Attach", device="soft") == {"event": 0}
        refuse(daemon, "NotAttached", "Complete", device="soft", claimed=True)
        refuse(daemon, "NotAttached", "Detach", device="soft")
        daemon.still_dispatches()


def test_every_method_was_called(whole_file):
    # A device is brought with descriptors, which varlinkctl cannot send before systemd 258.
    with Daemon() as daemon:
        said = refuse(daemon, "org.varlink.service.InvalidParameter", "AdoptDevice", device="soft", node=0)
        assert said == {"parameter": "node"}, said
        methods = varlinkctl("list-methods", daemon.path, INTERFACE)[0].split()
        assert called == {name.rsplit(".", 1)[1] for name in methods}, called
