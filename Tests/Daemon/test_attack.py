"""All known attacks at once, by 64 clients of four users without a role: the control thread never waits, root is answered
in time, every interrupt is serviced in time, and the daemon ends when it is asked to.

Ten minutes with SOAK=1. What a loaded machine does to every process is no fault of the daemon: attackers run at the
lowest priority, time for which the control thread was ready to run does not count as waiting, and a round whose times
are over their bounds is repeated. A lost interrupt or a daemon that does not end fails at once.
"""
import encodings.idna  # noqa: F401  a process of another user may not load it
import os
import random
import signal
import socket
import struct
import threading
import time

from daemon import PROGRAM, Closed, Daemon, Refused, Ring, eventually, lingering

# A round. A minute in all, if every one has to be repeated.
SECONDS, ROUNDS = (600, 1) if os.environ.get("SOAK") else (20, 3)
USERS = range(20000, 20004)
CLIENTS = 16
# No system call of the control thread sleeps longer, except its wait for events.
LONGEST_CALL = 0.010
# 99.9 % of root's answers. The bound is the release build's: a debug build takes several times as long for each message.
LONGEST_ANSWER = 0.050
IS_DEBUG = "/debug/" in PROGRAM
# The device counts as not serviced while an interrupt waits longer than this, which is at most 0.1 % of the time.
LONGEST_WAIT = 0.100
LEAST_SERVICED = 0.999
LONGEST_END = 10
WAITS_FOR_EVENTS = {"x86_64": {"232", "281"}, "aarch64": {"22"}}[os.uname().machine]


def give_what_waits(daemon):
    """A descriptor whose last close waits, on a connection that may not have been taken yet."""
    client, peer = lingering(60)
    with daemon.wire() as wire:
        try:
            wire.post("ListDevices", files=[client.fileno()])
        except PermissionError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        client.close()
        peer.close()


def send_what_is_dear(daemon):
    """Messages of the largest size, with as many values as they hold."""
    pieces = [b"[]", b"{}", b'""', b'{"":{}}', b'"\\u00e9"', b"0", b"[" * 40 + b"]" * 40]
    piece = random.choice(pieces)
    values = b",".join([piece] * (60_000 // (len(piece) + 1)))
    with daemon.wire() as wire:
        wire.send(b'{"method":"io.interruptsync.ListDevices","parameters":{"list":[' + values + b"]}}\0")
        wire.receive()


def come_and_go(daemon):
    for _ in range(50):
        daemon.wire().close()


def stay(daemon):
    """As many idle connections as the user gets."""
    wires = [daemon.wire() for _ in range(80)]
    time.sleep(random.random())
    for wire in wires:
        wire.close()


def call_without_reading(daemon):
    with daemon.wire(timeout=0.5) as wire:
        wire.send(b'{"method":"io.interruptsync.GetMetrics"}\0' * 20_000)


def watch_without_reading(daemon):
    with daemon.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.post("Events", {"device": "soft"}, more=True)
        time.sleep(random.random())


def disturb_a_ring(daemon):
    """Blocks what wakes the ring's reader, says that it sleeps, and takes the ring's memory away."""
    with daemon.wire() as wire:
        ring = Ring(wire, "soft", 1024)
        os.set_blocking(ring.event, True)
        for _ in range(100):
            ring.asleep.value = 1
            struct.pack_into("Q", ring.page, random.randrange(0, len(ring.page) - 8) & ~7, random.getrandbits(64))
            time.sleep(0.002)


def send_garbage(daemon):
    with daemon.wire() as wire:
        wire.send(random.choice([b"[" * 60_000, b"{" * 10, random.randbytes(1000)]) + b"\0")
        wire.receive()


ATTACKS = [give_what_waits, send_what_is_dear, come_and_go, stay, call_without_reading, watch_without_reading,
           disturb_a_ring, send_garbage]


def attack(daemon, number, counts):
    while True:
        body = ATTACKS[number % len(ATTACKS)]
        try:
            body(daemon)
        except (Closed, Refused, OSError, ValueError):
            pass
        counts[number % len(ATTACKS)] += 1


class Attackers:
    """A process for each user, with a thread for each client."""

    def __init__(self, daemon):
        self.children = []
        for user in USERS:
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reading)
                try:
                    self.run(daemon, user, writing)
                finally:
                    os._exit(1)
            os.close(writing)
            self.children.append((child, reading))

    def run(self, daemon, user, writing):
        os.nice(19)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        counts = [0] * len(ATTACKS)
        for number in range(CLIENTS):
            threading.Thread(target=attack, args=(daemon, number, counts), daemon=True).start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(0.1)
        os.write(writing, struct.pack(f"{len(counts)}Q", *counts))
        os._exit(0)

    def end(self):
        """How often each attack was made."""
        sums = [0] * len(ATTACKS)
        for child, reading in self.children:
            with open(reading, "rb") as pipe:
                counts = struct.unpack(f"{len(ATTACKS)}Q", pipe.read())
            os.waitpid(child, 0)
            sums = [one + other for one, other in zip(sums, counts)]
        return sums


class ControlThread:
    """Looks at the daemon's main thread again and again: whether it sleeps in a system call, and in which."""

    def __init__(self, process):
        self.folder = f"/proc/{process}/task/{process}/"
        self.longest, self.where, self.looks = 0.0, "", 0
        self.is_over = False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def sleeps_in(self):
        """The call, with its place, and how often the thread has slept; None while it runs or waits for events."""
        with open(self.folder + "syscall") as file:
            call = file.read().split()
        if call[0] == "running" or call[0] in WAITS_FOR_EVENTS:
            return None
        with open(self.folder + "status") as file:
            switches = [line for line in file if line.startswith("voluntary")]
        return call, switches

    def watch(self):
        since, last = 0.0, None
        while not self.is_over:
            now, seen = time.monotonic(), self.sleeps_in()
            self.looks += 1
            if seen is None or seen != last:
                since, last = now, seen
            elif now - since > self.longest:
                self.longest, self.where = now - since, seen[0]
            time.sleep(0.001)

    def end(self):
        self.is_over = True
        self.thread.join()


def ask(daemon, times, until):
    """Root's answers on one connection, and now and then on a new one, which must find a place."""
    with daemon.wire() as wire:
        while time.monotonic() < until:
            start = time.monotonic()
            if len(times) % 50 == 0:
                with daemon.wire() as new:
                    new.call("GetStatistics", device="soft")
            else:
                wire.call("GetStatistics", device="soft")
            times.append(time.monotonic() - start)
            time.sleep(0.002)


class Device:
    """Raises the line a thousand times a second, and knows from root's ring when each interrupt was serviced."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.line = daemon.line("soft")
        self.wire = daemon.wire()
        self.ring = Ring(self.wire, "soft", 65536)
        self.before = daemon.interrupts(self.wire)
        self.raised, self.waits = [], []
        self.serviced = 0

    def run(self, until):
        while time.monotonic() < until:
            self.raised.append(time.clock_gettime_ns(time.CLOCK_MONOTONIC))
            os.write(self.line, (1).to_bytes(8, "little"))
            self.look()
            time.sleep(0.001)

    def look(self):
        for count, _, when in self.ring.take():
            for start in self.raised[self.serviced:self.serviced + count]:
                self.waits.append((when - start) / 1e9)
            self.serviced += count

    def end(self):
        """Fails if an interrupt was lost. Returns the part of the time for which the device was serviced."""
        def all_are_counted():
            self.look()
            return self.daemon.interrupts(self.wire) == self.before + len(self.raised)
        eventually("every interrupt", all_are_counted)
        eventually("every record", lambda: self.look() or self.serviced == len(self.raised))
        dropped = self.ring.word(Ring.DROPPED)
        self.wire.close()
        os.close(self.line)
        assert dropped == 0, f"{dropped} records dropped"
        # Those that wait at the same time do not count twice.
        late, end = 0, 0
        for start, wait in zip(self.raised, self.waits):
            start /= 1e9
            if wait > LONGEST_WAIT:
                late += start + wait - max(start, end)
                end = start + wait
        return 1 - late / SECONDS


def table_size(daemon):
    """Of the daemon's descriptors. When it grows, the kernel waits until no other thread looks at the old one."""
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return next(line for line in file if line.startswith("FDSize"))


def end_of(daemon):
    """Seconds from SIGTERM to the end, with hostile clients connected."""
    wires = [daemon.wire() for _ in range(4)]
    for wire in wires:
        wire.send(b'{"method":"io.interruptsync.GetMetrics"}\0' * 100)
    start = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    status = daemon.process.wait(LONGEST_END)
    for wire in wires:
        wire.close()
    assert status == 0, f"the daemon ended with {status}"
    return time.monotonic() - start


def attacked():
    """One round: what it measured, and the times that are over their bounds."""
    with Daemon() as daemon:
        daemon.let_every_user_connect()
        device = Device(daemon)
        size = table_size(daemon)
        attackers = Attackers(daemon)
        control = ControlThread(daemon.process.pid)
        times = []
        until = time.monotonic() + SECONDS
        asking = threading.Thread(target=ask, args=(daemon, times, until))
        asking.start()
        device.run(until)
        asking.join()
        counts = attackers.end()
        control.end()
        serviced = device.end()
        assert table_size(daemon) == size, "the table of descriptors grew while clients were served"
        with daemon.wire() as wire:
            wire.call("Reload")
        daemon.still_dispatches()
        ended = end_of(daemon)
    times.sort()
    slow = times[int(len(times) * 0.999)]
    made = ", ".join(f"{count} {body.__name__}" for count, body in zip(counts, ATTACKS))
    print(f"{made}; {len(device.raised)} interrupts, serviced {serviced:.3%} of the time, "
          f"longest wait {max(device.waits) * 1e3:.1f} ms; {len(times)} answers, 99.9 % within {slow * 1e3:.1f} ms; "
          f"longest sleep in a call {control.longest * 1e3:.1f} ms {control.where} in {control.looks} looks; "
          f"ended in {ended * 1e3:.0f} ms")
    assert all(counts), made
    assert len(times) > SECONDS * 20, f"root got {len(times)} answers in {SECONDS} s"
    late = []
    if control.longest > LONGEST_CALL:
        late.append(f"the control thread slept {control.longest * 1e3:.1f} ms in {control.where}")
    if slow > LONGEST_ANSWER and not IS_DEBUG:
        late.append(f"99.9 % of root's answers took up to {slow * 1e3:.1f} ms")
    if serviced < LEAST_SERVICED:
        late.append(f"the device was serviced {serviced:.3%} of the time")
    return late


def test_under_attack_the_control_thread_never_waits_and_root_is_answered():
    rounds = []
    for _ in range(ROUNDS):
        late = attacked()
        if not late:
            return
        rounds.append("; ".join(late))
    raise AssertionError("\n".join(rounds))
