"""The daemon under faults of system calls.

While it starts it survives the fault, or ends with an error that names the cause; then the next start works. While it
runs, each of a client's doings meets each fault: the daemon answers or closes the connection, holds what it held
before, and services interrupts. While it stops it ends. `make test` tries some of these, `make soak` all.
"""
import os
import pathlib
import select
import shutil
import sys
import time

import pytest

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Daemon"))
from daemon import PROGRAM, Closed, Daemon, Ended, Refused, Ring, eventually  # noqa: E402
from calls import CALLS  # noqa: E402
from faults import FEW, names_cause, some_faults  # noqa: E402
from seam import Seam  # noqa: E402

RLIMIT_STACK, RLIMIT_NOFILE = 3, 7
WRONG = (AssertionError, OSError, Closed, Refused)
SETTINGS = "MetricsTextfile={folder}/metrics.prom\nMetricsIntervalSec=1"


class FaultyDaemon(Daemon):
    """The daemon behind the seam, with a fault from its first moment or with one that is armed later."""

    def __init__(self, fault=None):
        self.fault = fault
        super().__init__(settings=SETTINGS)

    def launch(self, output):
        # What no fault concerns need not pass the seam.
        kinds = {self.fault.call, "prlimit64"} if self.fault else CALLS
        self.seam = Seam([PROGRAM, "--config-root", self.folder, "--listen", self.path], kinds=kinds, fault=self.fault,
                         stdout=output, stderr=output)
        return self.seam.process

    def listens(self):
        """It may end between listening and its first answer."""
        if not super().listens():
            return False
        try:
            with self.wire() as wire:
                return wire.call("ListDevices")
        except (Closed, ConnectionError):
            return False

    @property
    def footprint(self):
        """Descriptors by what they are of, threads, and shared mappings."""
        kinds = []
        for name in self.descriptors():
            try:
                kinds.append(os.readlink(f"/proc/{self.process.pid}/fd/{name}").split(":[")[0])
            except FileNotFoundError:
                continue
        with open(f"/proc/{self.process.pid}/maps") as file:
            shared = sorted(line.split()[-1] for line in file if line.split()[1].endswith("s"))
        return sorted(kinds), len(os.listdir(f"/proc/{self.process.pid}/task")), shared


def usual_footprint(daemon, doing):
    """What it holds between doings, once it has made what it keeps and has closed what clients had."""
    for _ in range(3):
        doing(daemon)
        afterwards(daemon)
    same, last = 0, None
    while same < 20:
        time.sleep(0.005)
        now = daemon.footprint
        same, last = same + 1 if now == last else 0, now
    return last


def after(resource):
    """True of the call that asks for a limit, or sets it."""
    return lambda name, arguments: name == "prlimit64" and arguments[1] == resource


def verdict(wrongs, struck):
    print(f"{len(struck)} faults in {len({fault.call for fault in struck})} kinds of calls")
    print(*wrongs, sep="\n")
    assert struck and not wrongs


# The C library asks for the stack's limit when it has loaded every library; the daemon sets that of descriptors when it
# has read its configuration.
@pytest.mark.parametrize("begins", [RLIMIT_STACK, RLIMIT_NOFILE], ids=["main", "configured"])
def test_a_start_under_a_fault(begins):
    wrongs, struck = [], []
    for fault in some_faults(after(begins), FEW):
        try:
            daemon = FaultyDaemon(fault)
        except Ended as end:
            struck.append(fault)
            shutil.rmtree(end.daemon.folder)
            if end.daemon.process.returncode <= 0:
                wrongs.append(f"{fault}: {end}")
            elif not names_cause(fault, str(end)):
                wrongs.append(f"{fault}: the cause is not named: {end}")
            continue
        except TimeoutError:
            wrongs.append(f"{fault}: the daemon neither answers its first client nor closes the connection")
            continue
        daemon.seam.disarm()
        struck += [fault] * bool(fault.struck)
        try:
            with daemon:
                services(daemon, fault)
        except WRONG as failure:
            wrongs.append(f"{fault}: {failure!r}")
    verdict(wrongs, struck)


def services(daemon, fault):
    """Fails unless the daemon services its line, or has said why it does not and does so after a reload."""
    with daemon.wire() as wire:
        devices = wire.call("ListDevices")["devices"]
    if [device["state"] for device in devices] == ["connected"]:
        daemon.still_dispatches()
        return
    assert names_cause(fault, daemon.log), f"{devices}, and the cause is not named: {daemon.log}"
    assert all(names_cause(fault, device.get("failure", "")) for device in devices), devices
    afterwards(daemon)


def test_a_stop_under_a_fault():
    wrongs, struck = [], []
    for fault in some_faults(occurrences=FEW):
        try:
            with FaultyDaemon() as daemon:
                daemon.still_dispatches()
                daemon.seam.arm(fault)
        except WRONG as failure:
            wrongs.append(f"{fault}: {failure!r}")
        struck += [fault] * bool(fault.struck)
    verdict(wrongs, struck)


# MARK: What a client does

def ask(daemon):
    with daemon.wire() as wire:
        wire.call("ListDevices")
        wire.call("GetStatistics")
        wire.call("Trigger", device="soft")


def has_news(wire, other):
    """Whether the stream has an event or has ended, or there will be none: the line has failed."""
    readable, _, _ = select.select([wire.socket], [], [], 0.02)
    return readable or other.call("DescribeDevice", device="soft")["device"]["state"] == "failed"


def observe(daemon):
    with daemon.wire() as wire:
        ring = Ring(wire, "soft", 16)
        with daemon.wire() as other:
            wire.post("Events", {"device": "soft"}, more=True)
            other.call("Trigger", device="soft")
            eventually("an event, or the end of the line", lambda: has_news(wire, other))
        ring.take()


def attach(daemon):
    with daemon.wire() as wire:
        wire.call("Attach", device="soft")
        wire.call("Trigger", device="soft")
        wire.call("Complete", device="soft", claimed=True)
        wire.call("Detach", device="soft")


def connect(daemon):
    with daemon.wire() as wire:
        wire.call("Disconnect", device="soft")
        wire.call("Connect", device="soft", persistent=True)


def reload(daemon):
    daemon.write("devices/20-more.device", "[Match]\nSoftwareLine=more\n")
    with daemon.wire() as wire:
        wire.call("Reload")
    os.remove(daemon.devices + "/20-more.device")
    with daemon.wire() as wire:
        wire.call("Reload")


def afterwards(daemon):
    """As it was before the client came: what was asked for and failed is asked for again."""
    if os.path.exists(daemon.devices + "/20-more.device"):
        os.remove(daemon.devices + "/20-more.device")
    with daemon.wire() as wire:
        wire.call("Reload")
        wire.call("Disconnect", device="soft")
        wire.call("Connect", device="soft", persistent=True)
    daemon.still_dispatches()


def strike(daemon, doing, fault, usual):
    """Strikes once, and lists the failures of the daemon."""
    daemon.seam.arm(fault)
    said, wrongs = "", []
    try:
        doing(daemon)
    except (AssertionError, TimeoutError):
        wrongs.append(f"{fault}: the daemon neither answers nor closes the connection")
    except (Closed, OSError) as end:
        said = repr(end)
    except Refused as refusal:
        said = str(refusal)
        if refusal.name.endswith("SystemFailure") and not names_cause(fault, said):
            wrongs.append(f"{fault}: the cause is not named: {said}")
    daemon.seam.disarm()
    try:
        afterwards(daemon)
        eventually(f"what it held before, {usual}; has {daemon.footprint}", lambda: daemon.footprint == usual, 10)
    except WRONG as failure:
        wrongs.append(f"{fault}: {said}; afterwards {failure!r}; {daemon.log[-600:]}")
    return wrongs


@pytest.mark.parametrize("doing", [ask, observe, attach, connect, reload], ids=lambda doing: doing.__name__)
def test_a_client_under_a_fault(doing):
    wrongs, struck = [], []
    source = some_faults()
    fault = next(source)
    while fault:
        # A daemon that something is wrong with is replaced.
        daemon = FaultyDaemon()
        usual, found = usual_footprint(daemon, doing), []
        while fault and not found:
            found = strike(daemon, doing, fault, usual)
            struck += [fault] * bool(fault.struck)
            fault = next(source, None)
        wrongs += found
        try:
            with daemon:
                pass
        except WRONG as failure:
            wrongs.append(f"{struck[-1]}: {failure!r}")
    verdict(wrongs, struck)
