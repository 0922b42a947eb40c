"""What users share, and what one of them can keep from the others: places, descriptors, memory, and the control thread,
which no close of a client's file may stop.
"""
import encodings.idna  # noqa: F401  a process of another user may not load it
import os
import resource
import signal
import socket
import struct
import threading
import time

from daemon import NOBODY, Closed, Daemon, Refused, as_user, eventually, lingering, refused

LINGER = 120
USERS = range(20000, 20004)


def give_lingering(wire, daemon):
    """Sends a call with such a socket and keeps nothing of it. Returns the peer, and whether the kernel refused it."""
    client, peer = lingering(LINGER)
    is_refused = False
    # The last close must be the daemon's, so it reads nothing before this process has closed the socket.
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        wire.post("ListDevices", files=[client.fileno()])
    except PermissionError:
        # Linux 6.16: this process alone has it.
        is_refused = True
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
    client.close()
    daemon.process.send_signal(signal.SIGCONT)
    return peer, is_refused


class Crowd:
    """Processes of other users, each of which does something and then stays until the end."""

    def __init__(self):
        self.children = []

    def __enter__(self):
        return self

    def add(self, user, body):
        """Returns when `body` has been done. What it returns stays open."""
        said, saying = os.pipe()
        waiting, going = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(said)
            os.close(going)
            try:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
                kept = body()
                os.write(saying, b"done")
                os.read(waiting, 1)
                del kept
            except BaseException as error:
                os.write(saying, repr(error).encode())
            os._exit(0)
        os.close(saying)
        os.close(waiting)
        self.children.append((child, going))
        with open(said, "rb", buffering=0) as pipe:
            answer = pipe.read(4096)
        assert answer == b"done", answer

    def __exit__(self, *_):
        for child, going in self.children:
            # A close would not end it: later children have the pipe, too.
            os.write(going, b"!")
            os.close(going)
            os.waitpid(child, 0)


def hold(daemon, count):
    """Connections that the daemon has taken."""
    wires = [daemon.wire() for _ in range(count)]
    for wire in wires:
        wire.call("org.varlink.service.GetInfo")
    return wires


def test_a_descriptor_whose_close_waits_stops_nobody():
    with Daemon() as daemon, daemon.wire() as root, Crowd() as crowd:
        daemon.let_every_user_connect()
        root.call("ListDevices")

        def attack():
            kept = []
            for is_taken in (False, True) * 4:
                # Before and after the daemon has taken the connection.
                wire = daemon.wire()
                if is_taken:
                    wire.call("org.varlink.service.GetInfo")
                client, peer = lingering(LINGER)
                try:
                    wire.post("ListDevices", files=[client.fileno()])
                except PermissionError:
                    pass
                # The last close waits: this process's from Linux 6.16 on, in a thread that is not joined.
                threading.Thread(target=client.close, daemon=True).start()
                kept += [wire, peer]
            return kept

        start = time.monotonic()
        crowd.add(NOBODY, attack)
        root.call("ListDevices")
        daemon.still_dispatches()
        assert time.monotonic() - start < LINGER / 2


def test_descriptors_of_root_with_a_call_that_takes_none_stop_nobody():
    with Daemon() as daemon, daemon.wire() as root, daemon.wire() as other:
        root.call("ListDevices")
        start = time.monotonic()
        before = len(daemon.descriptors())
        peer, is_refused = give_lingering(root, daemon)
        assert not is_refused
        # Closed unseen: the call is answered.
        assert root.answer()["devices"]
        other.call("ListDevices")
        eventually("it closed", lambda: len(daemon.descriptors()) <= before)
        assert time.monotonic() - start < LINGER / 2
        peer.close()


def test_the_daemon_ends_although_a_descriptor_waits_to_be_closed():
    daemon = Daemon()
    start = time.monotonic()
    with daemon:
        wire = daemon.wire()
        wire.call("ListDevices")
        peer, _ = give_lingering(wire, daemon)
        # Unread, when the daemon ends.
        wire.post("WatchDevices", more=True)
        other, _ = give_lingering(wire, daemon)
    assert time.monotonic() - start < LINGER / 2
    for end in (wire, peer, other):
        end.close()


def test_four_users_with_all_places_lock_nobody_out():
    with Daemon() as daemon, Crowd() as crowd:
        daemon.let_every_user_connect()
        for user in USERS:
            crowd.add(user, lambda: hold(daemon, 64))
        # As `systemctl reload` does.
        with daemon.wire() as root:
            root.call("Reload")
        hold(daemon, 60)
        # A fifth user gets places of the others.
        as_user(NOBODY, NOBODY, lambda: hold(daemon, 8))
        assert "its user has the most connections" in daemon.log
        daemon.still_dispatches()


def test_busy_connections_of_others_do_not_lock_root_out():
    with Daemon() as daemon, Crowd() as crowd:
        daemon.let_every_user_connect()

        def watch():
            wires = [daemon.wire() for _ in range(64)]
            for wire in wires:
                wire.post("WatchDevices", more=True)
                wire.answer()
            return wires

        for user in USERS:
            crowd.add(user, watch)
        with daemon.wire() as root:
            root.call("Reload")
            root.call("SetMode", device="soft", mode="all")
        as_user(NOBODY, NOBODY, lambda: is_turned_away(daemon))
        daemon.still_dispatches()


def is_turned_away(daemon):
    with daemon.wire() as wire:
        try:
            wire.call("ListDevices")
        except Closed:
            return
    raise AssertionError("a place was free")


def test_rings_of_many_users_leave_memory_and_descriptors_for_root():
    with Daemon(settings="RingMemoryPerUserMax=64K") as daemon, Crowd() as crowd:
        daemon.let_every_user_connect()

        def subscribe():
            wire = daemon.wire()
            made = 0
            try:
                while True:
                    wire.call("Subscribe", device="soft", capacity=512)
                    made += 1
            except Refused as error:
                assert error.name == "io.interruptsync.TooLarge", error
            return wire, made

        for user in range(20000, 20012):
            crowd.add(user, subscribe)
        # Another user gets nothing, as all of them share eight times 64 KiB; root does.
        def outsider():
            with daemon.wire() as wire:
                error = refused("io.interruptsync.TooLarge", wire.call, "Subscribe", device="soft", capacity=512)
                assert "all users' rings" in error.parameters["message"], error

        as_user(NOBODY, NOBODY, outsider)
        with daemon.wire() as root:
            root.call("Subscribe", device="soft", capacity=512)
        daemon.still_dispatches()


def test_descriptors_run_out_for_others_before_they_do_for_root():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, limit[1]))
    try:
        daemon = Daemon()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    with daemon, Crowd() as crowd:
        daemon.let_every_user_connect()

        def take_all():
            wires = [daemon.wire() for _ in range(60)]
            for wire in wires:
                try:
                    while True:
                        wire.call("Subscribe", device="soft", capacity=16)
                except (Refused, Closed):
                    pass
            return wires

        for user in USERS:
            crowd.add(user, take_all)
        with daemon.wire() as root:
            root.call("Subscribe", device="soft", capacity=16)
            root.call("Reload")
        daemon.still_dispatches()


def test_a_message_of_an_observer_is_small():
    with Daemon(settings="LogLevel=info") as daemon:
        daemon.let_every_user_connect()

        def observer():
            with daemon.wire() as wire:
                wire.send(b'{"method":"io.interruptsync.ListDevices","parameters":{}' + b" " * (64 << 10) + b"}\0")
                assert wire.ends()
            with daemon.wire() as wire:
                values = b",".join([b"[]"] * 2000)
                wire.send(b'{"method":"io.interruptsync.ListDevices","parameters":{"list":[' + values + b"]}}\0")
                assert wire.ends()

        as_user(NOBODY, NOBODY, observer)
        assert "a message of more than 65536 bytes" in daemon.log
        assert "more than 1024 values" in daemon.log
        daemon.still_dispatches()
