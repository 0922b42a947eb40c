"""One connection to the daemon for asyncio: the event loop waits, and the caller's task sleeps. Clients, streams,
rings and attachments each own one. Calls of several tasks follow one another."""
from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from . import address as addresses
from . import calls
from .calls import Call
from .connection import ConnectionState, Deadline, Outcome, drain
from .errors import InterruptSyncError, Subject, TimedOut
from .wire import Message, encode, failure

T = TypeVar("T")


class AsyncConnection:
    """A connection for tasks."""

    def __init__(self, address: str, timeout: float | None, made: socket.socket) -> None:
        self.timeout = timeout
        self._state = ConnectionState(address)
        self._lock = asyncio.Lock()
        self._socket = made
        # What wakes the tasks that wait, and withdraws what they wait for.
        self._waits: dict[asyncio.Future[bool], Callable[[], object]] = {}

    @classmethod
    async def open(cls, address: str, timeout: float | None) -> Self:
        """Connects. While the listener's queue is full the kernel has nothing to wait for: it is asked again."""
        name, deadline = addresses.socket_name(address), Deadline(timeout)
        made = addresses.new_socket(address)
        made.setblocking(False)
        try:
            while (error := made.connect_ex(name)) != 0:
                if error != errno.EAGAIN or deadline.seconds == 0:
                    raise addresses.refusal(OSError(error, "connect"), address)
                await asyncio.sleep(0.01)
        except BaseException:
            made.close()
            raise
        return cls(address, timeout, made)

    @property
    def address(self) -> str:
        return self._state.address

    def close(self) -> None:
        """Ends the connection, and with it what was registered on it."""
        self._state.is_spent = "this connection was closed"
        for ready, withdraw in self._waits.items():
            withdraw()
            if not ready.done():
                ready.set_result(False)
        self._waits = {}
        self._state.decoder.close()
        self._socket.close()

    async def call(self, call: Call[T]) -> T:
        """Makes a call and waits for its reply. A call that was cancelled spends the connection."""
        async with self._lock:
            if call.files and not self._state.has_been_taken:
                await self._exchange(calls.service_info(self.address))
            return await self._exchange(call)

    async def _exchange(self, call: Call[T]) -> T:
        self._state.check(call.subject)
        data, deadline = encode(call.method, call.parameters), Deadline(self.timeout)
        try:
            await self._send(data, call.files, deadline, call.subject)
            message = await self._receive(deadline, call.subject)
        except BaseException as error:
            self._state.spend(error)
            raise
        return self._state.result(call, message)

    async def start(self, call: Call[T]) -> None:
        """Makes a call for any number of replies, which `receive` takes."""
        self._state.check(call.subject)
        await self._send(encode(call.method, call.parameters, more=True), (), Deadline(self.timeout), call.subject)

    async def receive(self, subject: Subject, timeout: float | None) -> Message:
        """The next reply of a stream. After `TimedOut`, or a cancellation, you may call it again."""
        self._state.check(subject)
        try:
            return await self._receive(Deadline(timeout), subject)
        except TimedOut:
            raise
        except InterruptSyncError as error:
            self._state.spend(error)
            raise

    async def _send(self, data: bytes, files: Sequence[int], deadline: Deadline, subject: Subject) -> None:
        rest = memoryview(data)
        while rest:
            try:
                if files:
                    sent, files = socket.send_fds(self._socket, [rest], list(files), socket.MSG_NOSIGNAL), ()
                else:
                    sent = self._socket.send(rest, socket.MSG_NOSIGNAL)
                rest = rest[sent:]
            except BlockingIOError:
                await self._writable(deadline, subject)
            except OSError as error:
                raise failure(error, subject) from error

    async def _receive(self, deadline: Deadline, subject: Subject) -> Message:
        while True:
            if message := self._state.next():
                return message
            try:
                self._state.decoder.receive(self._socket, subject)
            except BlockingIOError:
                await self._readable(deadline, subject)

    async def wait_for(self, event: socket.socket, deadline: Deadline) -> Outcome:
        """Waits until `event` is signalled or the daemon ends the connection. If both happened, the signal counts."""
        loop = asyncio.get_running_loop()
        signalled = False

        def wake(is_event: bool) -> None:
            nonlocal signalled
            signalled = signalled or is_event
            wake_up(ready)

        def withdraw() -> None:
            loop.remove_reader(event)
            loop.remove_reader(self._socket)

        ready = loop.create_future()
        loop.add_reader(event, wake, True)
        # The daemon sends nothing without a call: a readable socket means that it hung up.
        loop.add_reader(self._socket, wake, False)
        if not await self._until(ready, withdraw, deadline):
            return Outcome.TIMED_OUT
        return Outcome.SIGNALLED if signalled and drain(event) else Outcome.HUNG_UP

    async def _readable(self, deadline: Deadline, subject: Subject) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self._socket, wake_up, ready)
        await self._in_time(ready, lambda: loop.remove_reader(self._socket), deadline, subject)

    async def _writable(self, deadline: Deadline, subject: Subject) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_writer(self._socket, wake_up, ready)
        await self._in_time(ready, lambda: loop.remove_writer(self._socket), deadline, subject)

    async def _in_time(self, ready: asyncio.Future[bool], withdraw: Callable[[], object], deadline: Deadline,
                       subject: Subject) -> None:
        if not await self._until(ready, withdraw, deadline):
            raise self._state.too_late(subject)
        self._state.check(subject)

    async def _until(self, ready: asyncio.Future[bool], withdraw: Callable[[], object], deadline: Deadline) -> bool:
        """Waits for `ready`; False when the time is over. A close of the connection ends the wait, too."""
        self._waits[ready] = withdraw
        try:
            async with asyncio.timeout(deadline.seconds):
                await ready
        except TimeoutError:
            return False
        finally:
            if self._waits.pop(ready, None):
                withdraw()
        return True

    @property
    def has_hung_up(self) -> bool:
        """Whether the daemon has ended the connection, or you have. Between calls."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def wake_up(ready: asyncio.Future[bool]) -> None:
    if not ready.done():
        ready.set_result(True)
