"""Many clients that make random calls within their rights: each call gets a declared answer, and the daemon goes on."""
import signal

from daemon import PATIENCE, RANDOM_TURNS, Closed, Daemon, Refused, eventually

STEPS = 6000 * RANDOM_TURNS
CLIENTS = 10
LINES = ["first", "second", "third"]
CONFIGURATIONS = [
    "[Match]\nSoftwareLine=first second third\n",
    "[Match]\nSoftwareLine=first second\n",
    "[Match]\nSoftwareLine=first second third\n[Device]\nMode=all\nLockGroup=shared\n",
    "[Match]\nSoftwareLine=first second third\n[Device]\nStormLimit=50\nStormDelaySec=1ms\n",
    "[Match]\nSoftwareLine=second\n[Device]\nMode=best\n",
]
# The only errors that a well-formed call may get.
ERRORS = (
    "NoSuchDevice WrongState Busy NotAllowed BadRegister NotAttached ConfigurationRejected TooManyRegistrations "
    "SystemFailure DeviceGone"
)


class Client:
    """One of them: a connection that is dropped now and then."""

    def __init__(self, daemon, chance):
        self.daemon = daemon
        self.chance = chance
        self.wire = daemon.wire()
        self.streams = False

    def again(self):
        self.wire.close()
        self.wire = self.daemon.wire()
        self.streams = False

    def call(self):
        """(method, parameters, whether it streams)"""
        device = {"device": self.chance.choice(LINES)}
        return self.chance.choice(
            [
                ("ListDevices", {}, False),
                ("DescribeDevice", device, False),
                ("GetStatistics", self.chance.choice([{}, device]), False),
                ("GetMetrics", {}, False),
                ("GetHistograms", self.chance.choice([{}, {**device, "period": "reset"}]), False),
                ("ResetHistograms", device, False),
                ("WatchDevices", {}, True),
                ("Events", device, True),
                ("Connect", {**device, "persistent": self.chance.random() < 0.5}, False),
                ("Disconnect", device, False),
                ("Trigger", {**device, "count": self.chance.choice([1, 2, 1000])}, False),
                ("Trigger", device, False),
                ("SetMode", {**device, "mode": self.chance.choice(["normal", "all", "repeat"])}, False),
                ("SetPolicy", {**device, "policy": "other"}, False),
                ("Subscribe", {**device, "capacity": 16}, False),
                ("Transact", {**device, "operations": []}, False),
                ("Transact", {**device, "operations": [{"operation": "read", "register": "bar0:0/8"}]}, False),
                ("Attach", {**device, "deadlineMicroseconds": self.chance.choice([500, 20_000])}, False),
                ("Attach", device, False),
                ("Complete", {**device, "claimed": True}, False),
                ("Detach", device, False),
                ("Reload", {}, False),
            ]
        )

    def act(self):
        deed = self.chance.random()
        if deed < 0.05:
            return self.again()
        if self.streams:
            # Reads a part of the stream, or none of it.
            if deed < 0.3:
                self.again()
            elif deed < 0.6:
                self.wire.socket.settimeout(0.001)
                try:
                    self.answer()
                except TimeoutError:
                    pass
                self.wire.socket.settimeout(PATIENCE)
            return None
        if deed < 0.15:
            # Calls without waiting for the replies.
            for _ in range(self.chance.randrange(1, 20)):
                method, parameters, more = self.call()
                self.wire.post(method, parameters, more=more)
            return self.again()
        method, parameters, self.streams = self.call()
        self.wire.post(method, parameters, more=self.streams)
        if not self.streams:
            self.answer(method)
        return None

    def answer(self, method="stream"):
        try:
            self.wire.answer()
        except Refused as refusal:
            interface, _, name = refusal.name.rpartition(".")
            assert interface == "io.interruptsync" and name in ERRORS.split(), f"{method}: {refusal}"
            self.streams = False


def test_clients_in_no_order(chance):
    settings = "AttachDeadlineSec=50ms\nConnectionsPerUserMax=500"
    with Daemon(lines=LINES, settings=settings) as daemon:
        idle = len(daemon.descriptors())
        clients = [Client(daemon, chance) for _ in range(CLIENTS)]
        for step in range(STEPS):
            try:
                chance.choice(clients).act()
            except Closed:
                raise AssertionError(f"step {step}: the daemon closed a connection")
            if chance.random() < 0.02:
                daemon.write("devices/10-soft.device", chance.choice(CONFIGURATIONS))
            if chance.random() < 0.01:
                daemon.process.send_signal(signal.SIGHUP)
        for client in clients:
            client.wire.close()
        daemon.write("devices/10-soft.device", CONFIGURATIONS[0])
        with daemon.wire() as wire:
            wire.call("Reload")

            def settled():
                devices = wire.call("ListDevices")["devices"]
                return not any(device["state"] == "attached" for device in devices)

            eventually("the end of what belonged to clients", settled)
            for name in LINES:
                if wire.call("DescribeDevice", device=name)["device"]["state"] != "connected":
                    wire.call("Connect", device=name, persistent=True)
        for name in LINES:
            daemon.still_dispatches(name)
        eventually("every descriptor closed", lambda: len(daemon.descriptors()) <= idle + 2)
