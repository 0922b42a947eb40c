"""What abuse costs the dispatchers: the time from a line's interrupt to its record, with and without.

The line is raised by a write to its eventfd and the record bears the dispatcher's clock, so that neither end waits for
the control thread. Three kinds of windows take turns: quiet, with the same clients at another daemon, and with them at
this one. The second says what so busy a machine costs by itself: the other daemon's line is raised as often, so that its
streams have as much to tell. A round's latency is held against the longer of the two, and the median of the rounds counts.
"""
import os
import signal
import statistics
import time

from daemon import Closed, Daemon, Ring
from judge import check, run

INTERRUPTS = 150
ROUNDS = 12
# As for a line whose latency matters; where it is refused the daemon says so and goes on without.
DEVICE = "[Device]\nPriority=40\n"
BOUND = 1.2
# A machine that others load may spoil a run; it has to be spoilt this often for a failure.
TRIES = 4
KINDS = ["quiet", "elsewhere", "here"]


def abuse(daemon):
    """A process's worth of trouble: idle clients, streams that nobody reads, and wrong, long and many calls."""
    wires = [daemon.wire() for _ in range(1000)]
    for number, wire in enumerate(wires[:40]):
        if number % 2:
            wire.post("Events", {"device": "soft"}, more=True)
        else:
            wire.post("WatchDevices", more=True)
    # Room for the calls that follow; the rest of the thousand has been refused.
    for wire in wires[50:]:
        wire.close()
    while True:
        for data in (b'"' + b"x" * (2 << 20), b"{]\0", b'{"method":"io.interruptsync.ListDevices"}\0' * 200):
            with daemon.wire() as wire:
                try:
                    wire.send(data)
                    wire.receive()
                except Closed:
                    pass
        time.sleep(0.002)


def window(line, ring, other):
    """The median of the nanoseconds from an interrupt to its record; each is followed by one of the other line."""
    latencies = []
    for _ in range(INTERRUPTS):
        start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        os.write(line, (1).to_bytes(8, "little"))
        latencies.append(ring.wait()[0][2] - start)
        os.write(other, (1).to_bytes(8, "little"))
        time.sleep(0.0005)
    return statistics.median(latencies)


def abused(target, *lines):
    """A window during abuse of `target`, which must have gone on until the end."""
    child = os.fork()
    if child == 0:
        try:
            abuse(target)
        finally:
            os._exit(1)
    try:
        time.sleep(0.15)
        result = window(*lines)
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the abuse ended by itself"
        return result
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def measure():
    """A list of medians for each kind."""
    medians = {kind: [] for kind in KINDS}
    with Daemon(device=DEVICE) as daemon, Daemon(device=DEVICE) as other, daemon.wire() as wire:
        targets = {"elsewhere": other, "here": daemon}
        line, second = daemon.line("soft"), other.line("soft")
        lines = line, Ring(wire, "soft"), second
        for turn in range(ROUNDS):
            for kind in KINDS[turn % 3 :] + KINDS[: turn % 3]:
                median = window(*lines) if kind == "quiet" else abused(targets[kind], *lines)
                medians[kind].append(median)
        os.close(line)
        os.close(second)
    return medians


@check
def dispatchers_do_not_notice_abuse():
    ratios = []
    for _ in range(TRIES):
        medians = measure()
        rounds = zip(medians["quiet"], medians["elsewhere"], medians["here"])
        ratios.append(statistics.median(here / max(quiet, elsewhere) for quiet, elsewhere, here in rounds))
        of = {kind: statistics.median(medians[kind]) for kind in KINDS}
        figures = ", ".join(f"{kind} {of[kind] / 1000:.1f} µs" for kind in KINDS)
        print(f"medians: {figures}; ratio {ratios[-1]:.2f}, against quiet {of['here'] / of['quiet']:.2f}")
        if ratios[-1] < BOUND:
            return None
    raise AssertionError(f"ratios {ratios}, none below {BOUND}")


run()
