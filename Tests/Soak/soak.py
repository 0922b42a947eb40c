#!/usr/bin/env python3
"""A soak: the daemon with 64 lines, for as long as you like, under everything that it must stand at once.

    Tests/Soak/soak.py SECONDS FOLDER

In turns there is load and rest. Load: interrupts in bursts, clients of root that change everything, and for half of it
hostile clients of four users. At rest every client has gone: each line's count must be what was raised, and memory,
descriptors and threads are read. Three quarters of the time go to one process, because a slope needs time. In the last
quarter the daemon is restarted and killed in turns, under load, by a service manager that keeps its descriptors.

FOLDER gets a picture of each curve, the recording and the summary. docs/soak.md says how to read them.
"""
import json
import os
import pathlib
import random
import resource
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Daemon"))

from asker import Asker  # noqa: E402
from attack import ATTACKS, Attackers, Target  # noqa: E402
from churn import BROKEN_FILE, GUEST_FILE, KINDS, Churn  # noqa: E402
from daemon import Refused, Ring, eventually  # noqa: E402
from manager import WATCHDOG, ManagedDaemon  # noqa: E402
from raiser import Raiser  # noqa: E402
from recording import Count, Recording, Rest, Sample  # noqa: E402

# Some with threads of their own, some in groups, some of which share a lock.
FILES = {
    "10-own.device": (32, "own", ""),
    "20-group.device": (16, "group", "[Device]\nDispatcherGroup=many\n"),
    "30-shared.device": (8, "shared", "[Device]\nDispatcherGroup=few\nLockGroup=shared\n"),
    "40-locked.device": (8, "locked", "[Device]\nLockGroup=locked\nMode=all\n"),
}
LINES = [f"{name}-{number}" for count, name, _ in FILES.values() for number in range(count)]
FIRST_LIFE = 0.75
STANDS_STILL = 5


def device_files():
    return {file: f"[Match]\nSoftwareLine={' '.join(f'{name}-{number}' for number in range(count))}\n{settings}"
            for file, (count, name, settings) in FILES.items()}


class Soak:
    def __init__(self, seconds, seed):
        self.recording = Recording(seconds)
        self.recording.made({**dict.fromkeys(KINDS, 0), **{body.__name__: 0 for body in ATTACKS},
                             "restarts": 0, "crashes": 0})
        self.chance = random.Random(seed)
        # Of a turn, of what of it is load, and between two samples.
        self.turn = min(max(seconds / 120, 8), 60)
        self.pace = max(seconds / 1200, 0.25)
        self.life = 0
        # What the daemon says of dispatchers that seem to stand still.
        self.stalls = []

    def now(self):
        return time.monotonic() - self.start

    def run(self):
        self.start = time.monotonic()
        with ManagedDaemon(device_files(), settings="AttachDeadlineSec=1s") as daemon:
            self.daemon = daemon
            daemon.let_every_user_connect()
            self.begin_life()
            while self.now() < FIRST_LIFE * self.recording.seconds or len(self.recording.rests) < 4:
                self.load(self.turn * 0.7, hostile=self.turn * 0.35)
                self.rest()
            while self.now() < self.recording.seconds or self.life < 2:
                self.restart() if self.life % 2 == 0 else self.crash()
            self.load(self.turn * 0.3)
            self.rest()
            self.end_life()
            if daemon.manager.longest_hunger > WATCHDOG:
                self.recording.faults.append(f"the watchdog was not fed for {daemon.manager.longest_hunger:.1f} s; the "
                                             f"daemon said of its dispatchers: {self.stalls[:3] or 'nothing'}")
        return self.recording

    # A life.

    def begin_life(self):
        self.eventfds = self.daemon.eventfds(LINES)
        for line in self.eventfds.values():
            os.set_blocking(line, False)
        self.wire = self.daemon.wire()
        self.first = dict.fromkeys(LINES, 0)
        self.first = self.counted()
        self.triggered = dict.fromkeys(LINES, 0)
        self.raiser = Raiser(self.eventfds, self.chance.random())
        self.asker = Asker(self.daemon, LINES, self.start)

    def end_life(self):
        self.recording.answers += self.asker.end()
        self.raiser.end()
        self.wire.close()
        for line in self.eventfds.values():
            os.close(line)

    def counted(self):
        """Since the life began, by line."""
        figures = {entry["id"]: entry for entry in self.wire.call("GetStatistics")["statistics"]}
        self.hold = max(figures[name]["longestHoldNanoseconds"] for name in LINES) / 1e9
        return {name: figures[name]["interrupts"] - self.first[name] for name in LINES}

    def raised(self, name):
        """In this life."""
        return self.raiser.tallies[name] + self.triggered[name]

    # Load.

    def load(self, seconds, hostile=0, may_crash=False):
        """Samples meanwhile, with hostile clients for the first seconds. All but the raiser has ended at its return."""
        end = self.now() + seconds
        attackers = Attackers(Target(self.daemon.path, LINES[0]), hostile) if hostile else None
        churn = Churn(self.daemon, LINES, self.chance.random(), may_crash)
        self.raiser.go()
        while self.now() < end:
            self.sample()
            time.sleep(min(self.pace, max(end - self.now(), 0)))
        if may_crash:
            return churn
        self.gone(churn)
        if attackers:
            self.recording.made(attackers.join())
        return None

    def gone(self, churn):
        counts, faults = churn.end()
        self.recording.made(counts)
        self.recording.faults += faults
        for name in LINES:
            self.triggered[name] += churn.tallies[name]

    def sample(self):
        counted = sum(self.counted().values())
        self.recording.samples.append(Sample(interrupts=counted, longest_hold=self.hold, **self.usage()))

    def usage(self):
        return dict(time=self.now(), life=self.life, resident=self.daemon.memory(),
                    descriptors=len(self.daemon.descriptors()),
                    threads=len(os.listdir(f"/proc/{self.daemon.process.pid}/task")))

    # Rest.

    def rest(self):
        self.raiser.pause()
        self.connect_all()
        self.compare()
        self.observe_all()
        self.still()
        in_use = self.daemon.in_use()
        self.recording.rests.append(Rest(in_use=in_use, **self.usage()))
        self.stalls += [line for line in self.daemon.log.splitlines() if "makes no progress" in line]
        self.daemon.cut_log()

    def connect_all(self):
        """Every line serviced by its own routine again, once the daemon has seen that the clients are gone."""
        def are_connected():
            devices = {device["id"]: device["state"] for device in self.wire.call("ListDevices")["devices"]}
            for name in LINES:
                if devices[name] == "listed":
                    try:
                        self.wire.call("Connect", device=name, persistent=True)
                    except Refused as refusal:
                        assert refusal.name.endswith("WrongState"), refusal
            return all(devices[name] == "connected" for name in LINES)
        eventually("every line connected", are_connected)

    def compare(self):
        """Waits until every interrupt is counted. A difference is recorded, too; the judge compares."""
        try:
            eventually("every interrupt counted", lambda: all(
                count == self.raised(name) for name, count in self.counted().items()), patience=20)
        except AssertionError:
            self.recording.faults.append("interrupts that were never counted")
        for name, count in self.counted().items():
            self.recording.counts.append(Count(self.now(), self.life, name, "rest", self.raised(name), count))

    def observe_all(self):
        """An object keeps the ring of its first observer. With one each, all rests have as many."""
        with self.daemon.wire() as wire:
            for name in LINES:
                Ring(wire, name, 16)

    def still(self):
        """Waits until descriptors and threads stand still: what clients left behind is closed in the background."""
        seen = []

        def stand_still():
            usage = self.usage()
            seen.append((usage["descriptors"], usage["threads"]))
            time.sleep(0.05)
            return len(seen) > STANDS_STILL and len(set(seen[-STANDS_STILL:])) == 1
        eventually("descriptors and threads stand still", stand_still)

    # The ends of lives.

    def restart(self):
        """By SIGTERM, while interrupts are raised. The totals that it prints last are exact."""
        self.load(self.turn * 0.3)
        self.connect_all()
        log = self.daemon.stop(signal.SIGTERM)
        self.recording.ends.append((self.now(), "restart"))
        self.recording.made({"restarts": 1})
        self.raiser.pause()
        totals = last_totals(log)
        for name in LINES:
            self.ended(name, "restart", totals.get(name, 0) - self.first[name])
        self.next_life()

    def crash(self):
        """By SIGKILL, in the middle of all. The counts are known as of a moment before."""
        churn = self.load(self.turn * 0.3, may_crash=True)
        counted = self.counted()
        self.daemon.stop(signal.SIGKILL)
        self.recording.ends.append((self.now(), "crash"))
        self.recording.made({"crashes": 1})
        self.raiser.pause()
        self.gone(churn)
        for name in LINES:
            self.ended(name, "crash", counted[name])
        self.next_life()

    def ended(self, name, moment, counted):
        try:
            left = int.from_bytes(os.read(self.eventfds[name], 8), "little")
        except BlockingIOError:
            left = 0
        self.recording.counts.append(
            Count(self.now(), self.life, name, moment, self.raised(name), counted, left))

    def next_life(self):
        """Started while a device file is broken, the daemon uses the configuration that the manager has kept."""
        self.end_life()
        for file in (GUEST_FILE, BROKEN_FILE):
            pathlib.Path(self.daemon.folder, "etc/interruptsync", file).unlink(missing_ok=True)
        # Both ends of a life, with and without.
        is_broken = self.life % 4 < 2
        if is_broken:
            self.daemon.write(BROKEN_FILE, "[Match]\nSoftwareLine=broken\n[Device]\nMode=best\n")
        self.daemon.again()
        self.life += 1
        kept = self.daemon.manager.names()
        if kept != ["configuration", "state"]:
            self.recording.faults.append(f"the service manager keeps {kept}")
        if is_broken:
            pathlib.Path(self.daemon.folder, "etc/interruptsync", BROKEN_FILE).unlink()
            with self.daemon.wire() as wire:
                wire.call("Reload")
        self.daemon.let_every_user_connect()
        self.begin_life()


def last_totals(log):
    """Of each line, the interrupts in the last object that was printed for it."""
    entries = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return {entry["device"]: entry["interrupts"] for entry in entries}


def prepare():
    """Attackers and eventfds are many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    assert os.getuid() == 0, "hostile clients are other users: run the soak as root"


def main(seconds, folder):
    from report import report
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"seed {seed}", flush=True)
    prepare()
    text, is_healthy = report(Soak(float(seconds), seed).run(), pathlib.Path(folder))
    print(text)
    return 0 if is_healthy else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
