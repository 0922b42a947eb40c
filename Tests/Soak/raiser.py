"""A process that raises interrupts on many lines in bursts, by writing to their eventfds as hardware would, and says
how many it raised on each.

It stops between two bursts when it is asked to, and has then counted all that it wrote.
"""
import ctypes
import mmap
import os
import random
import select
import socket

# Of a burst: on so many lines, so many writes to each, then a pause of so many seconds.
LINES, WRITES, PAUSE = 8, 60, 0.015
# One write in so many raises several interrupts at once.
SELDOM, SEVERAL = 20, 1000


class Tallies:
    """A number for each name, in memory that processes share. Each number has one writer."""

    def __init__(self, names):
        self.names = list(names)
        self.memory = mmap.mmap(-1, max(8 * len(self.names), mmap.PAGESIZE))
        self.numbers = (ctypes.c_uint64 * len(self.names)).from_buffer(self.memory)
        self.place = {name: place for place, name in enumerate(self.names)}

    def add(self, name, count):
        self.numbers[self.place[name]] += count

    def __getitem__(self, name):
        return self.numbers[self.place[name]]


class Raiser:
    def __init__(self, lines, seed):
        """`lines`: the eventfds, by name. It begins at rest."""
        self.tallies = Tallies(lines)
        self.socket, theirs = socket.socketpair()
        self.child = os.fork()
        if self.child == 0:
            try:
                self.socket.close()
                self.run(list(lines.items()), theirs, random.Random(seed))
            finally:
                os._exit(1)
        theirs.close()

    def run(self, lines, orders, chance):
        is_going = False
        while True:
            wait = chance.random() * 2 * PAUSE if is_going else None
            if select.select([orders], [], [], wait)[0]:
                order = orders.recv(1)
                if not order:
                    os._exit(0)
                is_going = order == b"g"
                orders.send(order)
            elif is_going:
                self.burst(chance.sample(lines, chance.randint(1, LINES)), chance)

    def burst(self, lines, chance):
        for _ in range(chance.randint(1, WRITES)):
            for name, line in lines:
                count = chance.randint(2, SEVERAL) if chance.randrange(SELDOM) == 0 else 1
                os.write(line, count.to_bytes(8, "little"))
                self.tallies.add(name, count)

    def order(self, what):
        self.socket.send(what)
        assert self.socket.recv(1) == what, "the raiser has ended"

    def go(self):
        self.order(b"g")

    def pause(self):
        """Returns when nothing more is raised."""
        self.order(b"p")

    def end(self):
        self.socket.close()
        os.waitpid(self.child, 0)
