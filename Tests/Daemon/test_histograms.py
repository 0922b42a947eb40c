"""Times by their length: over the socket, in the metrics, and from interruptsyncctl."""
import os
import subprocess
import time
import xml.etree.ElementTree as xml

from daemon import PATIENCE, PROGRAM, Daemon, eventually, refused
from prometheus_client.openmetrics.parser import text_string_to_metric_families

NOT_FOUND = "io.interruptsync.NoSuchDevice"
QUANTITIES = ["service", "wait", "interval", "latency"]


def raise_each(daemon, wire, count, device="soft"):
    """Interrupts that do not share a dispatch."""
    before = daemon.interrupts(wire, device)
    for number in range(1, count + 1):
        wire.call("Trigger", device=device)
        eventually(f"{number}", lambda: daemon.interrupts(wire, device) == before + number)
    # The times of a dispatch follow its count.
    dispatches = wire.call("GetStatistics", device=device)["statistics"][0]["dispatches"]
    eventually("the times", lambda: histogram(wire, device=device)["count"] == dispatches)


def histogram(wire, what="service", **parameters):
    devices = wire.call("GetHistograms", **parameters)["devices"]
    assert len(devices) == 1, devices
    assert [entry["what"] for entry in devices[0]["histograms"]] == QUANTITIES, devices
    return next(entry for entry in devices[0]["histograms"] if entry["what"] == what)


def sound(entry):
    """Whether the members of a histogram agree with one another."""
    buckets = entry["buckets"]
    assert sum(bucket["count"] for bucket in buckets) == entry["count"], entry
    for bucket in buckets:
        assert bucket["count"] > 0 and bucket["fromNanoseconds"] < bucket["toNanoseconds"], bucket
        width = bucket["toNanoseconds"] - bucket["fromNanoseconds"]
        assert width <= bucket["fromNanoseconds"] * 2 / 15 + 2, bucket
    for bucket, after in zip(buckets, buckets[1:]):
        assert bucket["toNanoseconds"] <= after["fromNanoseconds"], entry
    least = sum(bucket["count"] * bucket["fromNanoseconds"] for bucket in buckets)
    most = sum(bucket["count"] * bucket["toNanoseconds"] for bucket in buckets)
    assert least - entry["count"] <= entry["sumNanoseconds"] <= most + entry["count"], entry
    percentiles = [entry.get(f"{name}Nanoseconds") for name in ("p50", "p90", "p99", "p999", "longest")]
    if entry["count"] == 0:
        assert percentiles == [None] * 5, entry
        return
    assert percentiles == sorted(percentiles), entry
    assert percentiles[-1] == buckets[-1]["toNanoseconds"], entry
    ends = {bucket["toNanoseconds"] for bucket in buckets}
    assert set(percentiles) <= ends, entry


def test_every_dispatch_is_counted_by_its_times():
    with Daemon(lines=("soft", "idle")) as daemon, daemon.wire() as wire:
        raise_each(daemon, wire, 30)
        for what, count in (("service", 30), ("interval", 29), ("wait", 0), ("latency", 0)):
            entry = histogram(wire, what, device="soft")
            sound(entry)
            assert entry["count"] == count, entry
        assert histogram(wire, device="idle")["count"] == 0
        statistics = wire.call("GetStatistics", device="soft")["statistics"][0]
        # A tick for rounding, and a thousandth for the rate of the counter.
        longest = histogram(wire, device="soft")["longestNanoseconds"]
        assert longest >= statistics["longestHoldNanoseconds"] * 0.998 - 2, (longest, statistics)
        refused(NOT_FOUND, wire.call, "GetHistograms", device="none")


def test_of_all_devices_there_are_percentiles_alone():
    with Daemon(lines=("soft", "idle")) as daemon, daemon.wire() as wire:
        raise_each(daemon, wire, 3)
        devices = {entry["id"]: entry["histograms"] for entry in wire.call("GetHistograms")["devices"]}
        assert {"soft", "idle"} <= set(devices), devices
        assert all("buckets" not in entry for entry in devices["soft"]), devices
        assert devices["soft"][0]["p50Nanoseconds"] > 0, devices


def test_a_reset_begins_a_period_and_leaves_the_others():
    with Daemon(lines=("soft", "other")) as daemon, daemon.wire() as wire:
        raise_each(daemon, wire, 4)
        raise_each(daemon, wire, 2, device="other")
        wire.call("ResetHistograms", device="soft")
        assert histogram(wire, device="soft", period="reset")["count"] == 0
        raise_each(daemon, wire, 3)
        entry = histogram(wire, device="soft", period="reset")
        sound(entry)
        assert entry["count"] == 3, entry
        assert histogram(wire, device="soft", period="start")["count"] == 7
        assert histogram(wire, device="other", period="reset")["count"] == 2
        refused(NOT_FOUND, wire.call, "ResetHistograms", device="none")


def test_a_window_ends_and_the_next_begins():
    with Daemon() as daemon, daemon.wire() as wire:
        raise_each(daemon, wire, 5)
        began = time.monotonic()
        eventually("a window", lambda: histogram(wire, device="soft", period="window")["count"] == 5)
        eventually("the next", lambda: histogram(wire, device="soft", period="window")["count"] == 0)
        assert time.monotonic() - began > 9
        assert histogram(wire, device="soft")["count"] == 5


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_metrics_have_them_as_histograms():
    with Daemon(lines=("soft", "idle")) as daemon, daemon.wire() as wire:
        raise_each(daemon, wire, 40)
        # The parser checks that bounds rise, counts never fall, and the last is that of all.
        found = families(wire.call("GetMetrics")["text"])
        for what, count in (("service", 40), ("interval", 39)):
            entry = histogram(wire, what, device="soft")
            family = found[f"interruptsync_{what}_seconds"]
            assert (family.type, family.unit) == ("histogram", "seconds"), family
            samples = [sample for sample in family.samples if sample.labels["device"] == "soft"]
            assert not [sample for sample in family.samples if sample.labels["device"] == "idle"], family
            values = {sample.name.rsplit("_", 1)[1]: sample.value for sample in samples}
            assert values["count"] == count, samples
            assert abs(values["sum"] - entry["sumNanoseconds"] / 1e9) < 1e-9, (samples, entry)
            bounds = {sample.labels["le"]: sample.value for sample in samples if sample.name.endswith("_bucket")}
            assert bounds["+Inf"] == count, bounds
            for bound, value in bounds.items():
                wanted = sum(
                    bucket["count"] for bucket in entry["buckets"] if bucket["toNanoseconds"] <= float(bound) * 1e9 + 0.5)
                assert value == wanted, (what, bound, value, wanted)
            assert len(bounds) > 20, bounds
        for name in ("wait", "latency"):
            assert not found[f"interruptsync_{name}_seconds"].samples, found[name]


def test_metrics_have_a_gauge_of_each_state():
    with Daemon(lines=("soft", "idle")) as daemon, daemon.wire() as wire:

        def states(device):
            family = families(wire.call("GetMetrics")["text"])["interruptsync_state"]
            assert family.type == "gauge", family
            samples = [sample for sample in family.samples if sample.labels["device"] == device]
            names = {"listed", "connected", "storming", "attached", "failed", "gone"}
            assert {sample.labels["state"] for sample in samples} == names and len(samples) == len(names), samples
            return [sample.labels["state"] for sample in samples if sample.value == 1]

        assert states("soft") == ["connected"]
        wire.call("Disconnect", device="soft")
        assert states("soft") == ["listed"] and states("idle") == ["connected"]


def control(daemon, *words):
    program = os.path.join(os.path.dirname(PROGRAM), "interruptsyncctl")
    return subprocess.run(
        [program, *words, "--address", daemon.path], capture_output=True, timeout=PATIENCE, text=True)


def test_the_program_draws_them():
    with Daemon() as daemon, daemon.wire() as wire:
        raise_each(daemon, wire, 25)
        drawn = control(daemon, "histogram", "soft")
        assert drawn.returncode == 0, drawn
        lines = drawn.stdout.splitlines()
        assert lines[0] == "soft: time in service, since the start", drawn.stdout
        assert "25 times" in lines[1] and all(len(line) <= 80 for line in lines), drawn.stdout
        rows = [line.split() for line in lines[5:]]
        assert sum(int(row[2]) for row in rows) == 25 and "█" in drawn.stdout, drawn.stdout
        path = daemon.folder + "/service.svg"
        drawn = control(daemon, "histogram", "soft", "--svg", path)
        assert drawn.returncode == 0 and drawn.stdout == "", drawn
        picture = xml.parse(path).getroot()
        bars = [part for part in picture.iter() if part.get("class") == "bar"]
        assert len(bars) == len(histogram(wire, device="soft")["buckets"]), len(bars)
        assert "prefers-color-scheme: dark" in open(path).read()
        drawn = control(daemon, "histogram", "soft", "--reset")
        assert drawn.returncode == 0 and "begins now" in drawn.stderr, drawn
        drawn = control(daemon, "histogram", "soft", "--since", "reset", "--what", "interval")
        assert "no times yet" in drawn.stdout, drawn
        missing = control(daemon, "histogram", "soft", "--svg", daemon.folder + "/none/service.svg")
        assert missing.returncode == 1 and "hint:" in missing.stderr, missing
