"""The processors of a dispatcher's thread are put back when another program moves it, and each loss is reported once."""
import os

import pytest
from daemon import Daemon, eventually


def threads(daemon, name):
    """The ids of the threads of this name."""
    folder = f"/proc/{daemon.process.pid}/task"
    found = []
    for thread in os.listdir(folder):
        with open(f"{folder}/{thread}/comm") as file:
            if file.read().strip() == name:
                found.append(int(thread))
    return found


@pytest.mark.parametrize("group", ["", "DispatcherGroup=many\n"])
def test_a_dispatchers_thread_that_is_moved_is_put_back(group):
    every = os.sched_getaffinity(0)
    assert len(every) > 1, "a loss needs a second processor"
    asked = max(every)
    with Daemon(lines=("one", "two"), device=f"[Device]\nCPUAffinity={asked}\n{group}") as daemon:
        name = "many" if group else "two"
        thread, = eventually("the thread", lambda: threads(daemon, name))
        assert os.sched_getaffinity(thread) == {asked}
        said = f"the thread {name} is on processors {asked} again; it had been moved to "
        for round in range(1, 4):
            os.sched_setaffinity(thread, every)
            eventually("the processor", lambda: os.sched_getaffinity(thread) == {asked})
            # The next round's report comes with a look of its own: this one has left no second.
            eventually("the report", lambda: daemon.log.count(said) == round)
        with daemon.wire() as wire:
            device = wire.call("DescribeDevice", device="two")["device"]
        assert device["processors"] == [asked] and device["thread"] == name
        assert "interruptProcessors" not in device
