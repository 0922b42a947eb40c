"""The fixtures of this folder. INTERRUPTSYNCD is the daemon's program; Tests/Daemon starts it, on lines without
hardware.

Every behaviour is tested in both forms: `connect` makes a Client, and then an AsyncClient behind `Waits`.
"""
import gc
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HERE.parent / "src"), str(ROOT / "Tests/Daemon")]

from daemon import PATIENCE, Daemon  # noqa: E402
from waits import Waits, new_loop  # noqa: E402

import interruptsync  # noqa: E402


def open_files():
    """What each descriptor of this process leads to."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
    return found


@pytest.fixture(autouse=True)
def no_descriptor_is_left():
    """A test that leaves a descriptor open has failed, whatever else it saw."""
    gc.collect()
    before = open_files()
    yield
    left = {name: place for name, place in open_files().items() if name not in before}
    assert not left, f"left open: {left}"


@pytest.fixture
def daemon(no_descriptor_is_left):
    with Daemon() as running:
        yield running


@pytest.fixture(params=["sync", "async"])
def connect(request, no_descriptor_is_left):
    """Makes clients in one of both forms, and closes them after the test."""
    clients, loop = [], new_loop() if request.param == "async" else None

    def make(address, timeout=PATIENCE):
        if loop is None:
            client = interruptsync.Client(address, timeout)
        else:
            client = Waits(loop, loop.run_until_complete(interruptsync.AsyncClient.open(address, timeout)))
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
    if loop is not None:
        loop.close()


@pytest.fixture
def client(daemon, connect):
    return connect(daemon.path)
