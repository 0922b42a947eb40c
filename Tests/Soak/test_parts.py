"""The parts of a soak that measure: they count what they raise, see what is allocated, and keep what they are given."""
import os
import select
import signal
import socket
import subprocess
import sys

from daemon import PATIENCE, eventually
from manager import ManagedDaemon
from raiser import Raiser
from recording import percentile

HUNGRY = """
import ctypes
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
for line in iter(input, "end"):
    kept = ctypes.CDLL(None).free(ctypes.c_void_p(kept)) if line == "free" else malloc(int(line))
    print("done", flush=True)
"""


def test_the_raiser_counts_what_it_raises_and_nothing_comes_while_it_rests():
    lines = {name: os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for name in ("one", "two")}
    raiser = Raiser(lines, 1)
    try:
        for _ in range(3):
            raiser.go()
            for line in lines.values():
                assert select.select([line], [], [], PATIENCE)[0]
            raiser.pause()
            for line in lines.values():
                assert select.select([line], [], [], 0)[0], "what was raised waits"
        for name, line in lines.items():
            assert os.eventfd_read(line) == raiser.tallies[name] > 0
            assert not select.select([line], [], [], 0.1)[0], "it raised an interrupt after it had stopped"
    finally:
        raiser.end()
        for line in lines.values():
            os.close(line)


def test_the_meter_sees_a_mebibyte_that_is_taken_and_one_that_is_given_back(tmp_path):
    daemon = ManagedDaemon.__new__(ManagedDaemon)
    daemon.folder = str(tmp_path)
    daemon.meter, theirs = socket.socketpair()
    environment = {**os.environ, "LD_PRELOAD": daemon.compiled_meter(), "SOAK_METER": str(theirs.fileno())}
    with subprocess.Popen([sys.executable, "-c", HUNGRY], env=environment, pass_fds=[theirs.fileno()], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        def done(what):
            process.stdin.write(what + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"
            return daemon.in_use()

        before = done("16")
        taken = done(str(1 << 20))
        given = done("free")
        process.stdin.write("end\n")
        process.stdin.close()
    theirs.close()
    daemon.meter.close()
    assert 0.9 < (taken - before) / (1 << 20) < 1.1, (before, taken)
    assert 0.9 < (taken - given) / (1 << 20) < 1.1, (taken, given)


def test_the_manager_passes_what_it_keeps_and_forgets_what_it_is_told_to():
    files = {"10-soft.device": "[Match]\nSoftwareLine=soft\n"}
    with ManagedDaemon(files) as daemon:
        eventually("what it keeps", lambda: daemon.manager.names() == ["configuration", "state"])
        daemon.write("devices/10-soft.device", "[Match]\nSoftwareLine=soft\n[Device]\nMode=best\n")
        daemon.stop(signal.SIGKILL)
        daemon.again()
        daemon.still_dispatches()
        assert "an earlier one" in daemon.log or "last accepted" in daemon.log, daemon.log
        daemon.write("devices/10-soft.device", files["10-soft.device"])
        with daemon.wire() as wire:
            wire.call("Reload")
        # A new text in place of the old.
        eventually("what it keeps", lambda: daemon.manager.names() == ["configuration", "state"])


def test_a_percentile_is_one_of_the_values():
    assert percentile(range(1000), 0.999) == 999
    assert percentile([3, 1, 2], 0.5) == 2
