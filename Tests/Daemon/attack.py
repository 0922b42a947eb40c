"""64 clients of four users that do everything hostile that a client without a role can do, at once, to any daemon.

A process for each user, with a thread for each client, at the lowest priority. As a program it attacks the service of
this machine: ADDRESS DEVICE SECONDS GROUP PROCESS. It says how long the service's control thread slept meanwhile and how
root was answered.
"""
import encodings.idna  # noqa: F401  a process of another user may not load it
import os
import random
import socket
import struct
import sys
import threading
import time

from daemon import Closed, Refused, Ring, Wire, lingering

USERS = range(20000, 20004)
CLIENTS = 16
WAITS_FOR_EVENTS = {"x86_64": {"232", "281"}, "aarch64": {"22"}}[os.uname().machine]


class Target:
    """A daemon's socket, and one of its devices."""

    def __init__(self, path, device):
        self.path, self.device = path, device

    def wire(self, *timeout, **named):
        return Wire(self.path, *timeout, **named)


def give_what_waits(target):
    """A descriptor whose last close waits, on a connection that may not have been taken yet."""
    client, peer = lingering(60)
    with target.wire() as wire:
        try:
            wire.post("ListDevices", files=[client.fileno()])
        except PermissionError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        client.close()
        peer.close()


def send_what_is_dear(target):
    """Messages of the largest size, with as many values as they hold."""
    pieces = [b"[]", b"{}", b'""', b'{"":{}}', b'"\\u00e9"', b"0", b"[" * 40 + b"]" * 40]
    piece = random.choice(pieces)
    values = b",".join([piece] * (60_000 // (len(piece) + 1)))
    with target.wire() as wire:
        wire.send(b'{"method":"io.interruptsync.ListDevices","parameters":{"list":[' + values + b"]}}\0")
        wire.receive()


def come_and_go(target):
    for _ in range(50):
        target.wire().close()


def stay(target):
    """As many idle connections as the user gets."""
    wires = [target.wire() for _ in range(80)]
    time.sleep(random.random())
    for wire in wires:
        wire.close()


def call_without_reading(target):
    with target.wire(timeout=0.5) as wire:
        wire.send(b'{"method":"io.interruptsync.GetMetrics"}\0' * 20_000)


def watch_without_reading(target):
    with target.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.post("Events", {"device": target.device}, more=True)
        time.sleep(random.random())


def disturb_a_ring(target):
    """Blocks what wakes the ring's reader, says that it sleeps, and takes the ring's memory away."""
    with target.wire() as wire:
        ring = Ring(wire, target.device, 1024)
        os.set_blocking(ring.event, True)
        for _ in range(100):
            ring.asleep.value = 1
            struct.pack_into("Q", ring.page, random.randrange(0, len(ring.page) - 8) & ~7, random.getrandbits(64))
            time.sleep(0.002)


def send_garbage(target):
    with target.wire() as wire:
        wire.send(random.choice([b"[" * 60_000, b"{" * 10, random.randbytes(1000)]) + b"\0")
        wire.receive()


ATTACKS = [give_what_waits, send_what_is_dear, come_and_go, stay, call_without_reading, watch_without_reading,
           disturb_a_ring, send_garbage]


def attack(target, number, counts):
    while True:
        body = ATTACKS[number % len(ATTACKS)]
        try:
            body(target)
        except (Closed, Refused, OSError, ValueError):
            pass
        counts[number % len(ATTACKS)] += 1


class Attackers:
    """A process for each user, with a thread for each client, for so many seconds."""

    def __init__(self, target, seconds, groups=()):
        self.children = []
        for user in USERS:
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reading)
                try:
                    os.nice(19)
                    os.setgroups(groups)
                    os.setresgid(user, user, user)
                    os.setresuid(user, user, user)
                    self.run(target, seconds, writing)
                finally:
                    os._exit(1)
            os.close(writing)
            self.children.append((child, reading))

    def run(self, target, seconds, writing):
        counts = [0] * len(ATTACKS)
        for number in range(CLIENTS):
            threading.Thread(target=attack, args=(target, number, counts), daemon=True).start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
        os.write(writing, struct.pack(f"{len(counts)}Q", *counts))
        os._exit(0)

    def join(self):
        """Waits for all of them. Returns how often each attack was made."""
        sums = [0] * len(ATTACKS)
        for child, reading in self.children:
            with open(reading, "rb") as pipe:
                counts = struct.unpack(f"{len(ATTACKS)}Q", pipe.read())
            os.waitpid(child, 0)
            sums = [one + other for one, other in zip(sums, counts)]
        return {body.__name__: count for body, count in zip(ATTACKS, sums)}

    def end(self):
        """Waits for all of them. Says how often each attack was made, and fails if one was not."""
        counts = self.join()
        made = ", ".join(f"{count} {name}" for name, count in counts.items())
        assert all(counts.values()), made
        return made


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


def ask(target, times, until):
    """Root's answers on one connection, and now and then on a new one, which must find a place."""
    with target.wire() as wire:
        while time.monotonic() < until:
            start = time.monotonic()
            if len(times) % 50 == 0:
                with target.wire() as new:
                    new.call("GetStatistics", device=target.device)
            else:
                wire.call("GetStatistics", device=target.device)
            times.append(time.monotonic() - start)
            time.sleep(0.002)


def main(address, device, seconds, group, process):
    """Nothing here has a bound in time: emulated processors are slow, and the holder of a lock may have to wait for one."""
    target, seconds = Target(address, device), int(seconds)
    attackers = Attackers(target, seconds, [int(group)])
    control, times = ControlThread(int(process)), []
    ask(target, times, time.monotonic() + seconds)
    print(attackers.end())
    control.end()
    print(f"{len(times)} answers, the slowest {max(times) * 1e3:.0f} ms; longest sleep in a call "
          f"{control.longest * 1e3:.1f} ms {control.where} in {control.looks} looks")


if __name__ == "__main__":
    main(*sys.argv[1:])
