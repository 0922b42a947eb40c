"""Clients that want too much or do not read: they are refused or bounded, and the daemon still services the line.

What each abuse may cost in memory, descriptors or time is the test's bound.
"""
import grp
import json
import os
import resource
import socket
import struct

from daemon import NOBODY, RANDOM_TURNS, Closed, Daemon, Refused, Ring, as_user, eventually, refused

MIB = 1 << 20


def test_a_message_that_is_too_long_ends_its_connection():
    with Daemon() as daemon, daemon.wire() as wire:
        # The longest message that the daemon accepts: a whole mebibyte.
        call = json.dumps({"method": "io.interruptsync.ListDevices", "parameters": {}}).encode()
        wire.send(call + b" " * (MIB - len(call)) + b"\0")
        wire.answer()
        before = daemon.memory()
        for size in (MIB + 1, 64 * MIB):
            for _ in range(4):
                with daemon.wire() as large:
                    try:
                        large.send(b'"' + b"x" * size)
                        assert large.ends()
                    except Closed:
                        pass
        grown = daemon.memory() - before
        assert grown < 4 * MIB, f"{grown} bytes"
        daemon.still_dispatches()
    print(f"{grown / MIB:.1f} MiB more")


def test_messages_that_do_not_end_cost_no_more_than_their_limit():
    with Daemon(settings="MessageSizeMax=64K") as daemon:
        before = daemon.memory()
        wires = []
        for _ in range(60):
            wires.append(daemon.wire())
            wires[-1].send(b'"' + b"x" * 65000)
        daemon.still_dispatches()
        grown = daemon.memory() - before
        # Twice the size: a buffer that grows may be that large.
        assert grown < 60 * 2 * 65536 + MIB, f"{grown} bytes"
        for wire in wires:
            wire.close()
        daemon.still_dispatches()
    print(f"{grown / MIB:.1f} MiB more")


def test_a_thousand_connections_of_one_user_are_refused_beyond_its_limit():
    with Daemon() as daemon:
        daemon.let_every_user_connect()
        before = daemon.memory()
        wires = [daemon.wire() for _ in range(1000)]

        def open_ones():
            # A read from a closed connection returns at once.
            count = 0
            for wire in wires:
                wire.socket.setblocking(False)
                try:
                    count += wire.socket.recv(1) != b""
                except BlockingIOError:
                    count += 1
                except ConnectionResetError:
                    pass
            return count

        eventually("64 connections", lambda: open_ones() == 64)
        grown = daemon.memory() - before
        assert grown < 4 * MIB, f"{grown} bytes"

        def other():
            with daemon.wire() as wire:
                wire.call("ListDevices")

        as_user(NOBODY, NOBODY, other)
        for wire in wires:
            wire.close()

        def answered():
            with daemon.wire() as wire:
                try:
                    return wire.call("ListDevices")
                except Closed:
                    return None

        eventually("room again", answered)
        daemon.still_dispatches()
    print(f"{grown / MIB:.1f} MiB more")


def ring_memory(daemon):
    """Bytes of rings that the daemon has mapped."""
    with open(f"/proc/{daemon.process.pid}/maps") as file:
        ranges = [line.split()[0].split("-") for line in file if "memfd:" in line]
    return sum(int(end, 16) - int(start, 16) for start, end in ranges)


def test_rings_of_one_observer_are_bounded_in_memory():
    with Daemon() as daemon, daemon.wire() as wire:
        daemon.let_every_user_connect()

        def observer():
            # Two connections: the limit counts per user.
            with daemon.wire() as first, daemon.wire() as second:
                made = 0
                for number in range(64):
                    try:
                        (first, second)[number % 2].call("Subscribe", device="soft", capacity=65536)
                        made += 1
                    except Refused as error:
                        assert error.name == "io.interruptsync.TooLarge", error
                        assert error.parameters["limit"] == 32 * MIB, error
                assert made == 4, made
                # Another user has a limit of its own.
                wire.call("Subscribe", device="soft", capacity=65536)

        for count in (1, 2):
            as_user(NOBODY, NOBODY, observer)
            each = 4096 + 65536 * 104
            eventually("the observer's rings to go", lambda: ring_memory(daemon) == count * each)
        daemon.still_dispatches()


def test_calls_of_an_observer_beyond_its_time_wait_and_are_all_answered():
    control = grp.getgrnam("daemon").gr_gid
    settings = f"CPUQuotaPerUser=1%\nControlGroup={control}"
    with Daemon(lines=[f"line{number}" for number in range(64)], settings=settings) as daemon:
        daemon.let_every_user_connect()

        def calls(count):
            with daemon.wire() as wire:
                wire.call("org.varlink.service.GetInfo")
                for _ in range(count):
                    wire.post("GetMetrics")
                    wire.answer()

        def held_up(user):
            return f"user {user} throttled" in daemon.log

        as_user(NOBODY - 1, control, lambda: calls(20))
        assert not held_up(NOBODY - 1)
        as_user(NOBODY, NOBODY, lambda: calls(20))
        assert held_up(NOBODY), "20 calls took less than a hundredth of a processor"
        calls(20)
        assert not held_up(0)
        # The daemon sees this user for the first time.
        as_user(NOBODY - 2, NOBODY, lambda: calls(1))
        assert not held_up(NOBODY - 2)
        daemon.still_dispatches("line7")


def test_control_of_one_device_is_enough_not_to_be_held_up():
    control = grp.getgrnam("daemon").gr_gid
    device = "[Device]\nControlGroup=daemon\nObserveGroup=daemon\n"
    with Daemon(settings="CPUQuotaPerUser=1%", device=device) as daemon:
        daemon.let_every_user_connect()

        def calls():
            with daemon.wire() as wire:
                for _ in range(2000):
                    wire.call("Trigger", device="soft")

        as_user(NOBODY, control, calls)
        assert f"user {NOBODY} throttled" not in daemon.log
        with daemon.wire() as wire:
            eventually("what it triggered", lambda: daemon.interrupts(wire) == 2000)


def test_a_thousand_idle_connections_are_kept_where_they_are_allowed():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limit[1]), limit[1]))
    try:
        with Daemon(settings="ConnectionsMax=1100\nConnectionsPerUserMax=1100") as daemon:
            before = daemon.memory()
            wires = [daemon.wire() for _ in range(1000)]
            daemon.still_dispatches()
            for wire in wires[::100]:
                wire.call("ListDevices")
            grown = daemon.memory() - before
            assert grown < 1000 * 8192, f"{grown} bytes"
            for wire in wires:
                wire.close()
            daemon.still_dispatches()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    print(f"{grown / 1000:.0f} bytes a connection")


def test_without_descriptors_left_connections_are_turned_away():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, limit[1]))
    try:
        daemon = Daemon()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    with daemon:
        line = daemon.line("soft")
        with daemon.wire() as wire:
            ring = Ring(wire, "soft")
            wires = [daemon.wire() for _ in range(60)]
            eventually("the news", lambda: "no descriptors left" in daemon.log)
            os.write(line, (1).to_bytes(8, "little"))
            assert sum(count for count, _, _ in ring.wait()) == 1
            refused("io.interruptsync.SystemFailure", wire.call, "Subscribe", device="soft")
            for other in wires:
                other.close()
        os.close(line)
        eventually("room again", lambda: answers(daemon))
        daemon.still_dispatches()


def answers(daemon):
    with daemon.wire() as wire:
        try:
            return wire.call("ListDevices")
        except Closed:
            return None


def test_streams_that_nobody_reads_are_bounded_and_lose_no_count():
    with Daemon(lines=("soft", "other")) as daemon, daemon.wire() as wire:
        slow = []
        for number in range(30):
            slow.append(daemon.wire())
            slow[-1].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow[-1].post("Events", {"device": "soft"}, more=True)
            slow.append(daemon.wire())
            slow[-1].post("WatchDevices", more=True)
        line = daemon.line("soft")
        first = daemon.interrupts(wire)
        before = daemon.memory()
        for number in range(20_000):
            os.write(line, (1).to_bytes(8, "little"))
            if number % 100 == 0:
                wire.call("SetMode", device="other", mode=("all", "normal")[number // 100 % 2])
        eventually("every interrupt", lambda: daemon.interrupts(wire) == first + 20_000)
        # They need no ring: the cost for the dispatcher does not grow with their number.
        assert ring_memory(daemon) == 0, ring_memory(daemon)
        grown = daemon.memory() - before
        # At most OutputSizeMax= for each stream.
        assert grown < len(slow) * MIB / 4, f"{grown} bytes"
        # A stream that reads at last accounts for everything that it missed, and nothing more.
        seen = slow[0].answer()["interrupts"]
        slow[0].socket.settimeout(0.5)
        try:
            while True:
                seen += slow[0].answer()["interrupts"]
        except TimeoutError:
            pass
        assert 20_000 <= seen <= first + 20_000, (seen, first)
        os.close(line)
        for other in slow:
            other.close()
        daemon.still_dispatches()
    print(f"{grown / MIB:.1f} MiB more")


def test_a_ring_that_nobody_reads_drops_and_counts():
    with Daemon() as daemon, daemon.wire() as wire:
        ring = Ring(wire, "soft", 16)
        for number in range(1, 101):
            wire.call("Trigger", device="soft")
            eventually("it", lambda: daemon.interrupts(wire) == number)
        # The thread that fills the rings comes after the dispatch.
        eventually("the last to be dropped", lambda: ring.word(Ring.DROPPED) == 84)
        records = ring.take()
        assert [total for _, total, _ in records] == list(range(1, 17)), records
        wire.call("Trigger", device="soft")
        assert ring.wait()[-1][:2] == (1, 101)


def test_a_reader_cannot_disturb_the_writer(chance):
    with Daemon() as daemon, daemon.wire() as wire:
        ring = Ring(wire, "soft", 16)
        for _ in range(2000 * RANDOM_TURNS):
            struct.pack_into("Q", ring.page, chance.randrange(0, len(ring.page) - 8) & ~7, chance.getrandbits(64))
            wire.call("Trigger", device="soft")
        eventually("all of them", lambda: daemon.interrupts(wire) == 2000 * RANDOM_TURNS)
        with daemon.wire() as other:
            fresh = Ring(other, "soft")
            other.call("Trigger", device="soft", count=4)
            assert fresh.wait()[0][:2] == (4, 2000 * RANDOM_TURNS + 4)


def test_calls_whose_answers_nobody_reads_hold_up_their_caller_only():
    with Daemon(lines=[f"line{number}" for number in range(64)]) as daemon:
        before = daemon.memory()
        call = b'{"method":"io.interruptsync.GetMetrics"}\0' * 1000
        greedy = [daemon.wire() for _ in range(20)]
        for wire in greedy:
            wire.socket.setblocking(False)
            try:
                while True:
                    wire.socket.send(call)
            except BlockingIOError:
                pass
        daemon.still_dispatches("line7")
        grown = daemon.memory() - before
        assert grown < 20 * 2 * MIB, f"{grown} bytes"
        for wire in greedy:
            wire.close()
        daemon.still_dispatches("line8")
    print(f"{grown / MIB:.1f} MiB more")
