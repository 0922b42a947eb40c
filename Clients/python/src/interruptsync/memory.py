"""The reading end of a ring in shared memory, laid out as interruptsync-ring(7) says. It neither waits nor wakes: the
readers in ring.py and aio_ring.py do.

Every access to the page is one load or store of an aligned word: memoryview copies an item as a whole. The page's order
is kept by a full barrier at each place where the protocol asks for acquire, release or sequential consistency:

    load written | barrier | copy records | barrier | store read        no record older than `written`, none freed early
    store asleep | barrier | load written                               either side sees the other: no lost wake-up
    load ended   | barrier | load written                               no record is missed at the end
"""
from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable, Iterator

from .barrier import barrier
from .errors import InterruptSyncError, ProtocolViolation, ResourcesExhausted, Subject, described
from .model import InterruptRecord
from .wire import VERSION_HINT

MAGIC = 0x676E697270757274
VERSION = 1
RECORD = struct.Struct("=QQQQII8Q")
ENTRIES = 4096
# In words of 8 bytes, and of 4 bytes.
_WRITTEN, _DROPPED, _READ = 64 // 8, 72 // 8, 128 // 8
_ENDED, _ASLEEP = 80 // 4, 136 // 4
_MASK64 = (1 << 64) - 1


class RingMemory:
    """The mapped file. One thread at a time."""

    def __init__(self, file: int, subject: Subject, order: Callable[[], None] | None = None) -> None:
        """Maps `file`, which stays the caller's. `ProtocolViolation` unless it is a ring of this version."""
        self._subject = subject
        self._order = order or barrier(subject)
        size = _checked_size(file, subject)
        try:
            self._map = mmap.mmap(file, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except (OSError, ValueError) as error:
            raise ResourcesExhausted(
                subject, f"cannot map the ring ({error})", "free memory, or subscribe with a smaller capacity",
                errno=getattr(error, "errno", None)) from error
        self._page = memoryview(self._map)
        self._words = self._page[:ENTRIES].cast("Q")
        self._halves = self._page[:ENTRIES].cast("I")
        try:
            self.capacity = self._checked_capacity(size)
        except ProtocolViolation:
            self.close()
            raise
        self._read = self._words[_READ]

    def _checked_capacity(self, size: int) -> int:
        magic, version, record, capacity = struct.unpack_from("=QIIQ", self._page)
        room = (size - ENTRIES) // RECORD.size
        if (magic, version, record) != (MAGIC, VERSION, RECORD.size):
            raise not_a_ring(self._subject)
        if capacity == 0 or capacity & (capacity - 1) or capacity > room:
            raise not_a_ring(self._subject)
        return int(capacity)

    @property
    def closed(self) -> bool:
        return self._map.closed

    def close(self) -> None:
        for view in (self._words, self._halves, self._page):
            view.release()
        self._map.close()

    @property
    def dropped(self) -> int:
        """Records that the ring has dropped for lack of room."""
        return self._words[_DROPPED]

    @property
    def has_ended(self) -> bool:
        """Whether no more records will be written. Those in the ring can still be taken."""
        if not self._halves[_ENDED]:
            return False
        self._order()
        return True

    def take(self, most: int) -> bytes:
        """The records that wait, at most `most` of them, one after the other."""
        waiting = self._words[_WRITTEN] - self._read & _MASK64
        if waiting == 0:
            return b""
        if waiting > self.capacity:
            raise ProtocolViolation(
                self._subject, f"{waiting} records wait in a ring of {self.capacity}", VERSION_HINT)
        count = min(waiting, most)
        self._order()
        first = self._read & self.capacity - 1
        straight = min(count, self.capacity - first)
        data = self._records(first, straight) + self._records(0, count - straight)
        self._order()
        self._read = self._read + count & _MASK64
        self._words[_READ] = self._read
        return data

    def _records(self, first: int, count: int) -> bytes:
        start = ENTRIES + first * RECORD.size
        return bytes(self._page[start:start + count * RECORD.size])

    def sleep(self) -> bool:
        """Says that the reader is about to sleep. False if a record has come or the ring has ended: it must not."""
        self._halves[_ASLEEP] = 1
        self._order()
        return self._words[_WRITTEN] == self._read and not self._halves[_ENDED]


def _checked_size(file: int, subject: Subject) -> int:
    """Its size. No mapped page may disappear: that would end this process by SIGBUS."""
    try:
        size = os.fstat(file).st_size
        seals = fcntl.fcntl(file, fcntl.F_GET_SEALS)
    except OSError as error:
        # A file without seals: EINVAL.
        raise not_a_ring(subject, f" ({described(error.errno)})") from error
    if not seals & fcntl.F_SEAL_SHRINK or size < ENTRIES + RECORD.size:
        raise not_a_ring(subject)
    return size


def not_a_ring(subject: Subject, why: str = "") -> InterruptSyncError:
    return ProtocolViolation(subject, f"the daemon's memory is not a ring of this version{why}", VERSION_HINT)


def records(data: bytes, captures: int) -> Iterator[InterruptRecord]:
    """The records in what `take` returned, with at most so many captured values."""
    for interrupts, total, time, dropped, claimed, count, *values in RECORD.iter_unpack(data):
        yield InterruptRecord(interrupts, total, time, claimed != 0, dropped, tuple(values[:min(count, captures)]))
