"""The metrics in OpenMetrics' text form: the parser of PyPI's prometheus_client reads them.

They come from the method, from the text file and from `interruptsyncctl metrics`.
"""
import os
import subprocess

from daemon import NOBODY, PATIENCE, PROGRAM, Daemon, as_user, eventually
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def samples(text):
    """Every sample, by name and labels; fails on one that is there twice, which the parser lets pass."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def of(device, found):
    """The figures of one device without its labels."""
    return {name: value for (name, labels), value in found.items() if dict(labels) == {"device": device}}


FIGURES = {
    "interruptsync_interrupts_total": "interrupts",
    "interruptsync_dispatches_total": "dispatches",
    "interruptsync_coalesced_total": "coalesced",
    "interruptsync_claimed_total": "claimed",
    "interruptsync_unclaimed_total": "unclaimed",
    "interruptsync_passes_total": "passes",
    "interruptsync_rearm_failures_total": "rearmFailures",
    "interruptsync_storms_total": "storms",
    "interruptsync_claimed_storms_total": "claimedStorms",
    "interruptsync_synchronized_calls_total": "synchronizedCalls",
}


def test_figures_are_those_of_the_statistics():
    with Daemon(lines=("soft", "other", "idle")) as daemon, daemon.wire() as wire:
        for count in (1, 20, 300):
            wire.call("Trigger", device="soft", count=count)
            wire.call("Trigger", device="other", count=2 * count)
        wire.call("Transact", device="soft", operations=[])
        eventually("321", lambda: daemon.interrupts(wire, "soft") == 321)
        eventually("642", lambda: daemon.interrupts(wire, "other") == 642)

        def agree():
            before = wire.call("GetStatistics")["statistics"]
            found = samples(wire.call("GetMetrics")["text"])
            # A dispatch that is ending may move a figure in between.
            return found if before == wire.call("GetStatistics")["statistics"] else None

        found = eventually("figures that stand still", agree)
        for entry in wire.call("GetStatistics")["statistics"]:
            figures = of(entry["id"], found)
            for name, field in FIGURES.items():
                assert figures[name] == entry[field], (entry, name, figures[name])
            for name in ("Hold", "Wait"):
                value = figures[f"interruptsync_longest_{name.lower()}_seconds"]
                assert abs(value - entry[f"longest{name}Nanoseconds"] / 1e9) < 1e-12, (entry, value)
            for routine in entry["routines"]:
                labels = (("device", entry["id"]), ("routine", routine["name"]))
                for field in ("calls", "claims"):
                    value = found[f"interruptsync_routine_{field}_total", labels]
                    assert value == routine[field], (entry, field, value)
        assert of("soft", found)["interruptsync_interrupts_total"] == 321
        assert of("idle", found)["interruptsync_interrupts_total"] == 0
        states = {dict(labels)["device"]: dict(labels)["state"] for (name, labels) in found if name.endswith("_info")}
        assert states["soft"] == "connected", states
        wire.call("Disconnect", device="soft")
        text = wire.call("GetMetrics")["text"]
        assert any(dict(labels).get("state") == "listed" for _, labels in samples(text))


def test_the_textfile_is_whole_whenever_it_is_read():
    settings = "MetricsTextfile={folder}/interruptsync.prom\nMetricsIntervalSec=1s"
    with Daemon(settings=settings) as daemon, daemon.wire() as wire:
        path = daemon.folder + "/interruptsync.prom"
        wire.call("Trigger", device="soft", count=17)

        def read():
            with open(path) as file:
                text = file.read()
            assert text.endswith("# EOF\n"), text[-200:]
            # No sample has a timestamp: the node exporter refuses them.
            assert all(len(line.split("} ")[-1].split()) == 1 for line in text.splitlines() if line[0] != "#"), text
            return of("soft", samples(text))["interruptsync_interrupts_total"] == 17

        eventually("the file", lambda: os.path.exists(path) and read())
        assert os.stat(path).st_mode & 0o777 == 0o644, oct(os.stat(path).st_mode)


def test_every_user_may_read_the_textfile_under_the_services_umask():
    before = os.umask(0o027)
    try:
        with Daemon(settings="MetricsTextfile={folder}/interruptsync.prom") as daemon:
            path = daemon.folder + "/interruptsync.prom"
            eventually("the file", lambda: os.path.exists(path))
            assert os.stat(path).st_mode & 0o777 == 0o644, oct(os.stat(path).st_mode)
    finally:
        os.umask(before)


def test_the_textfile_follows_a_reload():
    with Daemon(settings="MetricsTextfile={folder}/first.prom") as daemon, daemon.wire() as wire:
        first, second = daemon.folder + "/first.prom", daemon.folder + "/second.prom"

        def configure(text):
            daemon.write("interruptsyncd.conf", "[Daemon]\n" + text)
            wire.call("Reload")

        assert os.path.exists(first)
        os.unlink(first)
        configure(f"MetricsTextfile={second}\n")
        wire.call("Trigger", device="soft", count=5)
        eventually("5", lambda: daemon.interrupts(wire) == 5)
        assert "interruptsync_interrupts_total" in open(second).read() and not os.path.exists(first)
        # A file that cannot be written is logged, and the daemon goes on.
        configure(f"MetricsTextfile={daemon.folder}/missing/x.prom\n")
        assert "missing/x.prom" in daemon.log
        configure("")
        daemon.still_dispatches()


def test_the_figures_of_the_program_are_those_of_the_daemon():
    with Daemon(lines=("soft", "idle")) as daemon, daemon.wire() as wire:
        wire.call("Trigger", device="soft", count=23)
        eventually("23", lambda: daemon.interrupts(wire) == 23)
        program = os.path.join(os.path.dirname(PROGRAM), "interruptsyncctl")
        text = subprocess.run(
            [program, "metrics", "--address", daemon.path], check=True, capture_output=True, timeout=PATIENCE,
            text=True).stdout
        found = samples(text)
        assert of("soft", found)["interruptsync_interrupts_total"] == 23
        assert of("idle", found)["interruptsync_interrupts_total"] == 0


def test_metrics_hide_what_the_caller_may_not_see():
    with Daemon(device="[Device]\nObserveGroup=no-such-group") as daemon:
        with daemon.wire() as wire:
            assert of("soft", samples(wire.call("GetMetrics")["text"]))
        daemon.let_every_user_connect()

        def look():
            with daemon.wire() as wire:
                text = wire.call("GetMetrics")["text"]
                assert not of("soft", samples(text)), text

        as_user(NOBODY, NOBODY, look)
