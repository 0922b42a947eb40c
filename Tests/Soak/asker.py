"""A process that asks the daemon again and again, as root, and notes how long each answer took.

What the machine does to every process is no fault of the daemon. So it also notes for how much of that time the control
thread and the process itself were ready to run and had no processor, and how late it was woken from a sleep before.
"""
import os
import signal
import struct
import tempfile
import time

from recording import Answer

PAUSE = 0.01
RECORD = struct.Struct("dddd")


def ready(process):
    """Seconds for which a process's first thread was ready to run and did not, so far."""
    with open(f"/proc/{process}/task/{process}/schedstat") as file:
        return int(file.read().split()[1]) / 1e9


class Asker:
    def __init__(self, daemon, names, start):
        """`start` is when times begin."""
        self.file = tempfile.TemporaryFile()
        self.child = os.fork()
        if self.child == 0:
            try:
                self.run(daemon, names, start)
            finally:
                os._exit(1)

    def run(self, daemon, names, start):
        wire, number = daemon.wire(), 0
        processes = daemon.process.pid, os.getpid()
        while True:
            due = time.monotonic() + PAUSE
            time.sleep(PAUSE)
            late = time.monotonic() - due
            before = sum(map(ready, processes))
            begin = time.monotonic()
            wire.call("GetStatistics", device=names[number % len(names)])
            end = time.monotonic()
            # In one write each, so that an end by a signal leaves whole ones.
            os.write(self.file.fileno(), RECORD.pack(
                begin - start, end - begin, sum(map(ready, processes)) - before, late))
            number += 1

    def end(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        self.file.seek(0)
        content = self.file.read()
        self.file.close()
        whole = len(content) // RECORD.size * RECORD.size
        return [Answer(*values) for values in RECORD.iter_unpack(content[:whole])]
