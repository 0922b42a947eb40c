"""A process of root's clients that come and go and change everything that clients may change, each kind in a thread of
its own: connections, modes, attachments, subscriptions, transactions and the configuration.

What a client triggers is counted for the line. A wrong answer, or a lost interrupt of a line that comes and goes with
the configuration, is a fault. The process ends when it is asked to; of its last calls the daemon sees the connections
close.
"""
import json
import os
import random
import select
import signal
import threading

from daemon import Closed, Refused, Ring, eventually
from raiser import Tallies

# The only errors that a well-formed call of several clients that disturb one another may get.
ERRORS = {"io.interruptsync." + name for name in (
    "NoSuchDevice", "WrongState", "Busy", "NotAttached", "ConfigurationRejected", "TooManyRegistrations")}
PAUSE = 0.02
# Lines that the configuration adds and removes.
GUESTS = [f"guest-{number}" for number in range(8)]
GUEST_FILE = "devices/50-guests.device"
BROKEN_FILE = "devices/60-broken.device"


class Client:
    """What each kind of client does once, again and again."""

    def __init__(self, churn, chance):
        self.churn, self.daemon, self.chance = churn, churn.daemon, chance

    def device(self):
        return self.chance.choice(self.churn.names)

    def reconnect(self, wire):
        device = self.device()
        wire.call("Disconnect", device=device)
        self.churn.rest(self.chance)
        wire.call("Connect", device=device, persistent=True)

    def connect_for_a_while(self, wire):
        device = self.device()
        wire.call("Disconnect", device=device)
        with self.daemon.wire() as other:
            other.call("Connect", device=device)
            self.churn.rest(self.chance)
        eventually("the device to be free", lambda: wire.call(
            "DescribeDevice", device=device)["device"]["state"] != "connected" or self.churn.is_over)
        wire.call("Connect", device=device, persistent=True)

    def set_mode(self, wire):
        wire.call("SetMode", device=self.device(), mode=self.chance.choice(["normal", "all", "repeat"]))
        wire.call("SetPolicy", device=self.device(), policy="other")

    def attach(self, wire):
        """A routine of the client's own, which completes, detaches, misses its deadline or goes without a word."""
        device = self.device()
        with self.daemon.wire() as other:
            deadline = self.chance.choice([500, 1_000_000])
            event = other.files[other.call("Attach", device=device, deadlineMicroseconds=deadline)["event"]]
            for _ in range(self.chance.randrange(8)):
                if select.select([event], [], [], 10 * PAUSE)[0]:
                    os.read(event, 8)
                    other.call("Complete", device=device, claimed=True)
            if self.chance.random() < 0.5:
                other.call("Detach", device=device)

    def subscribe(self, wire):
        with self.daemon.wire() as other:
            ring = Ring(other, self.device(), self.chance.choice([16, 256]))
            for _ in range(self.chance.randrange(20)):
                ring.take()
                self.churn.rest(self.chance, 0.2)

    def watch(self, wire):
        with self.daemon.wire() as events, self.daemon.wire() as devices:
            events.post("Events", {"device": self.device()}, more=True)
            devices.post("WatchDevices", more=True)
            devices.answer()
            self.churn.rest(self.chance, 5)

    def trigger(self, wire):
        device, count = self.device(), self.chance.randint(1, 5000)
        wire.call("Trigger", device=device, count=count)
        self.churn.tallies.add(device, count)
        wire.call("Transact", device=device, operations=[])

    def look(self, wire):
        wire.call("ListDevices")
        wire.call("GetMetrics")

    def reload(self, wire):
        """Lines come, are triggered, are counted, and go. In between a configuration is rejected."""
        self.daemon.write(GUEST_FILE, f"[Match]\nSoftwareLine={' '.join(GUESTS)}\n"
                          + self.chance.choice(["", "[Device]\nDispatcherGroup=guests\n"]))
        wire.call("Reload")
        raised = {name: self.chance.randint(1, 1000) for name in GUESTS}
        for name, count in raised.items():
            wire.call("Trigger", device=name, count=count)
        self.reject(wire)
        for name, count in raised.items():
            eventually(f"{count} interrupts of {name}", lambda: self.daemon.interrupts(wire, name) == count)
        os.unlink(f"{self.daemon.folder}/etc/interruptsync/{GUEST_FILE}")
        if self.chance.random() < 0.5:
            wire.call("Reload")
        else:
            # Not by the Popen, which is another process's: here it sees an end, and sends nothing.
            os.kill(self.daemon.process.pid, signal.SIGHUP)
        eventually("the lines to go", lambda: not any(
            device["id"] in raised for device in wire.call("ListDevices")["devices"]))

    def reject(self, wire):
        self.daemon.write(BROKEN_FILE, "[Match]\nSoftwareLine=broken\n[Device]\nMode=best\n")
        try:
            wire.call("Reload")
        except Refused as refusal:
            if refusal.name != "io.interruptsync.ConfigurationRejected":
                raise
        else:
            raise AssertionError("a broken configuration was accepted")
        finally:
            os.unlink(f"{self.daemon.folder}/etc/interruptsync/{BROKEN_FILE}")


KINDS = ["reconnect", "connect_for_a_while", "set_mode", "attach", "subscribe", "watch", "trigger", "look", "reload"]


class Churn:
    def __init__(self, daemon, names, seed, may_crash=False):
        """It begins at once. With `may_crash`, a closed connection is the end of its client, and no fault."""
        self.daemon, self.names, self.may_crash = daemon, names, may_crash
        self.tallies = Tallies(names)
        self.over = threading.Event()
        self.counts, self.faults = dict.fromkeys(KINDS, 0), []
        reading, self.orders = os.pipe()
        self.report, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                os.close(self.orders)
                self.run(reading, writing, random.Random(seed))
            finally:
                os._exit(1)
        os.close(reading)
        os.close(writing)

    @property
    def is_over(self):
        return self.over.is_set()

    def rest(self, chance, factor=1):
        """Not a wait for anything: the pace of a client."""
        self.over.wait(chance.random() * PAUSE * factor)

    def run(self, reading, writing, chance):
        threads = [threading.Thread(target=self.repeat, args=(kind, random.Random(chance.random()))) for kind in KINDS]
        for thread in threads:
            thread.start()
        os.read(reading, 1)
        self.over.set()
        for thread in threads:
            thread.join()
        os.write(writing, json.dumps([self.counts, self.faults]).encode())
        os._exit(0)

    def repeat(self, kind, chance):
        client = Client(self, chance)
        try:
            with self.daemon.wire() as wire:
                while not self.is_over:
                    try:
                        getattr(client, kind)(wire)
                        self.counts[kind] += 1
                    except Refused as refusal:
                        if refusal.name not in ERRORS:
                            raise
                    self.rest(chance)
        except (Closed, OSError, AssertionError, Refused) as error:
            if not self.may_crash or isinstance(error, (AssertionError, Refused)):
                self.faults.append(f"{kind}: {error!r}"[:400])

    def end(self):
        """Returns how often each kind of client did its work, and the faults."""
        os.close(self.orders)
        with open(self.report, "rb") as pipe:
            text = pipe.read()
        os.waitpid(self.child, 0)
        return json.loads(text) if text else [{}, ["the clients' process ended: see its output"]]
