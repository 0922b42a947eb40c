"""What a client does to the descriptors and the memory that the daemon gave it disturbs only the client.

O_NONBLOCK belongs to the open file, which a passed descriptor shares: were it the daemon's own, a client that clears it
would stop the writer.
"""
import ctypes
import fcntl
import os
import signal

import pytest

from daemon import NOBODY, Daemon, Ring, libc

PUNCH_HOLE, KEEP_SIZE = 2, 1


def stuff(descriptor):
    """Makes a wake-up block its writer, if one descriptor can: no O_NONBLOCK, and no room."""
    fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)
    assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK == 0
    try:
        os.set_blocking(descriptor, False)
        os.write(descriptor, (2**64 - 2).to_bytes(8, "little"))
    except OSError:
        pass
    os.set_blocking(descriptor, True)


def hostile(daemon, body):
    """Runs `body` with a connection in a process that stays until the with-statement ends; no role but observe."""

    class Process:
        def __enter__(self):
            reading, writing = os.pipe()
            self.child = os.fork()
            if self.child == 0:
                try:
                    os.setgroups([])
                    os.setresgid(NOBODY, NOBODY, NOBODY)
                    os.setresuid(NOBODY, NOBODY, NOBODY)
                    kept = body(daemon.wire())
                    os.write(writing, b"ready")
                    signal.pause()
                    del kept
                except BaseException as error:
                    os.write(writing, repr(error).encode())
                os._exit(0)
            os.close(writing)
            with open(reading, "rb", buffering=0) as pipe:
                assert (said := pipe.read(1000)) == b"ready", said

        def __exit__(self, *_):
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)

    return Process()


def test_a_subscriber_cannot_stop_the_dispatcher_by_its_wake_up():
    def subscribe(wire):
        ring = Ring(wire, "soft", 16)
        stuff(ring.event)
        ring.asleep.value = 1
        return ring

    with Daemon() as daemon:
        daemon.let_every_user_connect()
        with hostile(daemon, subscribe):
            for _ in range(4):
                daemon.still_dispatches()
        daemon.still_dispatches()


def test_a_subscriber_cannot_stop_the_control_thread_as_it_leaves():
    def subscribe(wire):
        ring = Ring(wire, "soft", 16)
        stuff(ring.event)
        wire.socket.close()
        return ring

    with Daemon() as daemon:
        daemon.let_every_user_connect()
        with hostile(daemon, subscribe):
            daemon.still_dispatches()


def test_a_subscriber_that_keeps_asking_to_be_woken_and_reads_nothing_stops_nobody():
    with Daemon() as daemon, daemon.wire() as wire, daemon.wire() as other:
        deaf, honest = Ring(wire, "soft", 16), Ring(other, "soft", 16)
        fcntl.fcntl(deaf.event, fcntl.F_SETFL, 0)
        for total in range(1, 1001):
            deaf.asleep.value = 1
            deaf.shown.value = deaf.word(Ring.WRITTEN)
            other.call("Trigger", device="soft")
            assert [record[1] for record in honest.wait()] == [total]


def test_a_subscriber_that_takes_its_memory_away_stops_nobody():
    with Daemon() as daemon, daemon.wire() as wire, daemon.wire() as other:
        ring, honest = Ring(wire, "soft", 64), Ring(other, "soft", 64)
        memory = wire.files[0]
        size = os.fstat(memory).st_size
        punch = libc.fallocate
        punch.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
        for total in range(1, 301):
            assert punch(memory, PUNCH_HOLE | KEEP_SIZE, 0, size) == 0, os.strerror(ctypes.get_errno())
            other.call("Trigger", device="soft")
            assert [record[1] for record in honest.wait()] == [total]
        del ring


@pytest.mark.parametrize("leaves", [False, True])
def test_a_client_that_services_a_line_cannot_stop_the_dispatcher_by_its_wake_up(leaves):
    """Another line, and the control thread, go on; the attached line is the client's to spoil."""
    with Daemon(lines=("soft", "other")) as daemon:
        with daemon.wire() as wire:
            wire.call("Attach", device="soft")
            event = wire.files[0]
            stuff(event)
            for _ in range(4):
                with daemon.wire() as another:
                    another.call("Trigger", device="soft")
                daemon.still_dispatches("other")
                wire.call("Complete", device="soft", claimed=True)
            if not leaves:
                wire.call("Detach", device="soft")
        daemon.still_dispatches("soft")


def test_a_client_can_send_the_daemon_nothing_through_its_wake_up():
    import socket

    with Daemon() as daemon, daemon.wire() as wire:
        ring = Ring(wire, "soft", 16)
        end = socket.socket(fileno=os.dup(ring.event))
        with pytest.raises(BrokenPipeError):
            socket.send_fds(end, [b"x"], [0])
        end.close()
        daemon.still_dispatches()
