"""Every dispatch of a device in order, through memory that the daemon shares with this process. Each ring has its own
connection. Use it from one thread at a time."""
from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from . import arrays
from .calls import RingFiles
from .connection import Connection, Deadline, Outcome
from .errors import Disconnected, Subject, TimedOut
from .memory import RECORD, RingMemory, records
from .model import InterruptRecord
from .wire import close_all, violation

if TYPE_CHECKING:
    import numpy.typing

# Records that `next` takes from the memory at once: fewer system calls for barriers.
BATCH = 64
WAIT_HINT = "wait longer; interruptsyncctl info shows whether the device is connected"


class Records:
    """The records that a ring has given out, and those that wait in its memory. Neither waits nor wakes."""

    def __init__(self, device: str, files: RingFiles) -> None:
        """Takes over the descriptors."""
        #: The name that you subscribed by.
        self.device = device
        #: The names of the captured registers, in the order of each record's `captured`.
        self.captures = files.captures
        self._subject = Subject(device, "read the ring")
        self._cut_off = False
        self._taken, self._given = b"", 0
        try:
            self._event = event_socket(files.event, self._subject)
        except BaseException:
            close_all([files.memory])
            raise
        try:
            self._memory = RingMemory(files.memory, Subject(device, "subscribe"))
        except BaseException:
            self._event.close()
            raise
        finally:
            os.close(files.memory)

    @property
    def capacity(self) -> int:
        """Records that the ring holds."""
        return self._memory.capacity

    @property
    def dropped(self) -> int:
        """Records that were dropped because the ring was full: you read too slowly. The `total` of later records
        includes their interrupts."""
        self._check()
        return self._memory.dropped

    @property
    def has_ended(self) -> bool:
        """Whether no more records will come: the device was stopped, reconfigured or has gone, or the daemon has ended.
        Records may still wait. Subscribe again to go on."""
        self._check()
        return self._cut_off or self._memory.has_ended

    def take(self) -> list[InterruptRecord]:
        """The records that wait; does not wait for one."""
        return list(records(self._take(self.capacity + BATCH), len(self.captures)))

    def take_array(self) -> numpy.typing.NDArray[Any]:
        """The records that wait, as a NumPy structured array; does not wait for one."""
        # Before records are taken, which would be lost without NumPy.
        arrays.dtype(self.captures, self._subject)
        return arrays.array(self._take(self.capacity + BATCH), self.captures, self._subject)

    def _take(self, most: int) -> bytes:
        """At most so many records, as they are in memory."""
        self._check()
        end = min(self._given + most * RECORD.size, len(self._taken))
        data, self._given = self._taken[self._given:end], end
        return data + self._memory.take(most - len(data) // RECORD.size)

    def _pop(self) -> InterruptRecord | None:
        self._check()
        if self._given == len(self._taken):
            self._taken, self._given = self._memory.take(BATCH), 0
            if not self._taken:
                return None
        data = self._taken[self._given:self._given + RECORD.size]
        self._given += RECORD.size
        return next(records(data, len(self.captures)))

    def _check(self) -> None:
        if self._memory.closed:
            raise Disconnected(self._subject, "this ring was closed", "subscribe again")

    def _release(self) -> None:
        if not self._memory.closed:
            self._memory.close()
            self._event.close()

    def _too_late(self) -> TimedOut:
        return TimedOut(Subject(self.device, "wait for an interrupt"), "no interrupt came in time", WAIT_HINT)


def event_socket(file: int, subject: Subject) -> socket.socket:
    """Takes over the descriptor of a wake-up."""
    try:
        return socket.socket(fileno=file)
    except OSError as error:
        close_all([file])
        raise violation(subject, "event is not a socket") from error


class Ring(Records):
    """Iterate over it for one `InterruptRecord` after the other, until the ring ends."""

    def __init__(self, device: str, files: RingFiles, connection: Connection) -> None:
        super().__init__(device, files)
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the subscription."""
        self._release()
        self._connection.close()

    def __iter__(self) -> Iterator[InterruptRecord]:
        while (record := self.next()) is not None:
            yield record

    def next(self, timeout: float | None = None) -> InterruptRecord | None:
        """Waits for a record; None when the ring has ended and you have taken every record. After `TimedOut` you may
        call it again."""
        deadline = Deadline(timeout)
        while (record := self._pop()) is None:
            if self.has_ended:
                return self._pop()
            if self._sleep(deadline) is Outcome.TIMED_OUT:
                if (record := self._pop()) is None:
                    raise self._too_late()
                return record
        return record

    def collect(self, count: int, timeout: float | None = None) -> numpy.typing.NDArray[Any]:
        """`count` records as a NumPy structured array; fewer if the ring ends or the time is over before."""
        arrays.dtype(self.captures, self._subject)
        deadline, parts, missing = Deadline(timeout), [], count
        while missing > 0:
            ended = self.has_ended
            if data := self._take(missing):
                parts.append(data)
                missing -= len(data) // RECORD.size
            elif ended or self._sleep(deadline) is Outcome.TIMED_OUT:
                break
        return arrays.array(b"".join(parts), self.captures, self._subject)

    def _sleep(self, deadline: Deadline) -> Outcome:
        """Waits for a signal, unless a record has come meanwhile."""
        if not self._memory.sleep():
            return Outcome.SIGNALLED
        outcome = self._connection.wait_for(self._event, deadline)
        self._cut_off = self._cut_off or outcome is Outcome.HUNG_UP
        return outcome
