"""A ring for asyncio: as `Ring`, with waits that only the caller's task sleeps in. One task at a time."""
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from . import arrays
from .aio_connection import AsyncConnection
from .calls import RingFiles
from .connection import Deadline, Outcome
from .memory import RECORD
from .model import InterruptRecord
from .ring import Records

if TYPE_CHECKING:
    import numpy.typing


class AsyncRing(Records):
    """Iterate over it for one `InterruptRecord` after the other, until the ring ends."""

    def __init__(self, device: str, files: RingFiles, connection: AsyncConnection) -> None:
        super().__init__(device, files)
        self._connection = connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the subscription."""
        # It withdraws the event from the loop.
        self._connection.close()
        self._release()

    async def __aiter__(self) -> AsyncIterator[InterruptRecord]:
        while (record := await self.next()) is not None:
            yield record

    async def next(self, timeout: float | None = None) -> InterruptRecord | None:
        """Waits for a record; None when the ring has ended and you have taken every record. After `TimedOut` you may
        call it again."""
        deadline = Deadline(timeout)
        while (record := self._pop()) is None:
            if self.has_ended:
                return self._pop()
            if await self._sleep(deadline) is Outcome.TIMED_OUT:
                if (record := self._pop()) is None:
                    raise self._too_late()
                return record
        return record

    async def collect(self, count: int, timeout: float | None = None) -> numpy.typing.NDArray[Any]:
        """`count` records as a NumPy structured array; fewer if the ring ends or the time is over before."""
        arrays.dtype(self.captures, self._subject)
        deadline, parts, missing = Deadline(timeout), [], count
        while missing > 0:
            ended = self.has_ended
            if data := self._take(missing):
                parts.append(data)
                missing -= len(data) // RECORD.size
            elif ended or await self._sleep(deadline) is Outcome.TIMED_OUT:
                break
        return arrays.array(b"".join(parts), self.captures, self._subject)

    async def _sleep(self, deadline: Deadline) -> Outcome:
        """Waits for a signal, unless a record has come meanwhile."""
        if not self._memory.sleep():
            return Outcome.SIGNALLED
        outcome = await self._connection.wait_for(self._event, deadline)
        self._cut_off = self._cut_off or outcome is Outcome.HUNG_UP
        return outcome
