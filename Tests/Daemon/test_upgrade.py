"""The daemon takes over from every released version and from a later one, and a released one takes over from it: what the
service manager keeps meanwhile is understood by all of them, and nothing in it is lost. kept.py has the formats as the
released versions know them. The guests upgrade and downgrade the packages on real interrupts."""
import re
import pathlib

import pytest

import kept
from kept import KeptDaemon, configuration, newest, placed, released, written

VERSIONS = sorted(kept.RELEASED.glob("kept-*.json"))
each_version = pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)


def expect_totals(daemon, totals):
    """A line shows what was kept of it."""
    found = daemon.statistics("soft")
    shown = [found[name] for name in ("interrupts", "dispatches", "coalesced", "claimed", "unclaimed", "passes",
                                      "rearmFailures", "storms")]
    assert shown == totals[:8], (found, totals)
    # The clock's ticks, in which the daemon has it, are no whole nanoseconds.
    assert totals[11] - 1 <= found["longestHoldNanoseconds"] <= totals[11], (found, totals)


def counted_on(totals):
    """One more dispatch with a claim, and one more of everything rare."""
    return [(total + more) % 2**64 for total, more in zip(totals, [1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1])]


def known(devices):
    """What version 0.1.0 knows of them."""
    return {name: (count, totals[:12]) for name, (count, totals) in devices.items()}


def test_there_is_a_memory_of_this_version():
    version = re.search(r"^VERSION = (\S+)$", pathlib.Path("Makefile").read_text(), re.M).group(1)
    assert f"kept-{version}" in [path.stem for path in VERSIONS], f"record it: python3 Tests/Daemon/kept.py {version}"


@each_version
def test_totals_of_a_released_version_go_on(path):
    memory, devices = released(path)
    with KeptDaemon(memory) as daemon:
        expect_totals(daemon, devices["soft"][1])
        with daemon.wire() as wire:
            wire.call("Trigger", device="soft", count=3)
        kept.eventually("three more", lambda: daemon.statistics("soft")["interrupts"] == devices["soft"][1][0] + 3)
        # Those of a device that is not there are kept for its return.
        assert daemon.saved_since(newest(memory["state"])[0])[1] == devices
        assert "ignored" not in daemon.log


@each_version
def test_the_configuration_of_a_released_version_is_used_while_the_files_are_at_fault(path):
    memory, _ = released(path)
    with KeptDaemon(memory, fault="[Device]\nMode=al\n") as daemon, daemon.wire() as wire:
        device = wire.call("DescribeDevice", device="soft")["device"]
        assert (device["state"], device["mode"]) == ("connected", "all"), device


def test_totals_of_a_later_version_go_on():
    memory, devices = released(VERSIONS[-1])
    later = written(60, devices, later=True)
    with KeptDaemon(memory | {"state": placed(later, 1)}) as daemon:
        expect_totals(daemon, devices["soft"][1])
        assert daemon.saved_since(60)[1] == devices


def test_nothing_is_lost_over_versions_there_and_back():
    memory, devices = released(VERSIONS[0])
    with KeptDaemon(memory) as daemon:
        sequence = newest(memory["state"])[0]
        for later in (True, False, True, False):
            expect_totals(daemon, devices["soft"][1])
            daemon.saved_since(sequence)
            # What the daemon leaves is read as the released version reads it.
            sequence, found = newest(daemon.stop()["state"])
            assert known(found) == known(devices)
            # The version that ran meanwhile has counted.
            sequence += 10
            devices = {name: (count, counted_on(totals)) for name, (count, totals) in found.items()}
            daemon.replace("state", placed(written(sequence, devices, later), later))
            daemon.start()
        expect_totals(daemon, devices["soft"][1])


def test_a_released_version_reads_what_the_daemon_keeps():
    memory, devices = released(VERSIONS[-1])
    with KeptDaemon({"state": memory["state"]}) as daemon:
        daemon.saved_since(newest(memory["state"])[0])
        left = daemon.stop()
        # By these names it asks for them.
        assert left.keys() == {"state", "configuration"}
        assert known(newest(left["state"])[1]) == known(devices)
        assert "SoftwareLine=soft second" in configuration(left["configuration"])
        daemon.start()


def test_totals_that_were_damaged_are_not_taken_for_a_versions():
    memory, _ = released(VERSIONS[-1])
    _, devices = newest(memory["state"])
    damaged = bytearray(written(9, devices))
    damaged[-1] ^= 1
    with KeptDaemon(memory | {"state": placed(bytes(damaged), 0)}) as daemon:
        assert daemon.statistics("soft")["interrupts"] == 0
        assert "saved totals ignored: its checksum is wrong" in daemon.log
