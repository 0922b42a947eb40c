"""One connection to the daemon whose calls wait on the caller's thread. Clients, streams, rings and attachments each
own one. Calls of several threads follow one another."""
from __future__ import annotations

import enum
import select
import socket
import threading
import time
from collections.abc import Sequence
from typing import TypeVar

from . import address as addresses
from . import calls
from .calls import Call
from .errors import Disconnected, InterruptSyncError, Subject, TimedOut
from .refusals import refusal
from .reply import Answer
from .wire import Decoder, Message, encode, failure, violation

T = TypeVar("T")


class Deadline:
    """The point in time at which a wait ends; None never comes."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    @property
    def seconds(self) -> float | None:
        return None if self._end is None else max(self._end - time.monotonic(), 0)

    @property
    def milliseconds(self) -> int | None:
        """For poll(2), rounded up."""
        seconds = self.seconds
        return None if seconds is None else min(int(seconds * 1000 + 0.999), 1 << 30)


class Outcome(enum.Enum):
    """How a wait for a signal ended."""

    SIGNALLED = enum.auto()
    HUNG_UP = enum.auto()
    TIMED_OUT = enum.auto()


class ConnectionState:
    """What both kinds of connection know: whether calls can still be made, and what has been received."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.decoder = Decoder()
        # A reply has come, so the daemon has taken the connection. Before, the kernel may refuse descriptors.
        self.has_been_taken = False
        # Why no further call can be made.
        self.is_spent: str | None = None

    def check(self, subject: Subject) -> None:
        if self.is_spent is not None:
            raise Disconnected(subject, self.is_spent, "make a new connection")

    def spend(self, error: BaseException) -> None:
        """After a call that did not get its reply: the next reply would be of that call."""
        self.is_spent = self.is_spent or f"an earlier call on this connection failed ({type(error).__name__})"

    def next(self) -> Message | None:
        message = self.decoder.next()
        if message is not None:
            self.has_been_taken = True
        return message

    def result(self, call: Call[T], message: Message) -> T:
        """The result of a single reply. Its descriptors are taken or closed."""
        try:
            if message.continues or self.decoder.next() is not None:
                raise violation(call.subject, "more than one reply to one call")
            if message.error is not None:
                raise refusal(message, call.subject)
            return call.read(Answer(message.parameters, call.subject, message))
        finally:
            message.close()

    def too_late(self, subject: Subject) -> TimedOut:
        return TimedOut(
            subject, "no answer came in time", "the daemon may be busy: look at its log, or give a longer timeout")


def item(call: Call[T], message: Message) -> T:
    """One reply of a stream."""
    try:
        if message.error is not None:
            raise refusal(message, call.subject)
        return call.read(Answer(message.parameters, call.subject, message))
    finally:
        message.close()


def drain(event: socket.socket) -> bool:
    """Takes the signals that wait on a wake-up's socket. False once its other end is closed."""
    try:
        while len(data := event.recv(64, socket.MSG_DONTWAIT)) == 64:
            pass
        return bool(data)
    except BlockingIOError:
        return True
    except OSError:
        return False


class Connection:
    """A connection for callers that wait."""

    def __init__(self, address: str, timeout: float | None) -> None:
        self.timeout = timeout
        self._state = ConnectionState(address)
        self._lock = threading.Lock()
        self._socket = addresses.connected(address, timeout)

    @property
    def address(self) -> str:
        return self._state.address

    def close(self) -> None:
        """Ends the connection, and with it what was registered on it."""
        self._state.is_spent = "this connection was closed"
        self._state.decoder.close()
        self._socket.close()

    def call(self, call: Call[T]) -> T:
        """Makes a call and waits for its reply."""
        with self._lock:
            if call.files and not self._state.has_been_taken:
                self._exchange(calls.service_info(self.address))
            return self._exchange(call)

    def _exchange(self, call: Call[T]) -> T:
        self._state.check(call.subject)
        data, deadline = encode(call.method, call.parameters), Deadline(self.timeout)
        try:
            self._send(data, call.files, deadline, call.subject)
            message = self._receive(deadline, call.subject)
        except BaseException as error:
            self._state.spend(error)
            raise
        return self._state.result(call, message)

    def start(self, call: Call[T]) -> None:
        """Makes a call for any number of replies, which `receive` takes."""
        self._state.check(call.subject)
        self._send(encode(call.method, call.parameters, more=True), (), Deadline(self.timeout), call.subject)

    def receive(self, subject: Subject, timeout: float | None) -> Message:
        """The next reply of a stream. After `TimedOut` you may call it again."""
        self._state.check(subject)
        try:
            return self._receive(Deadline(timeout), subject)
        except TimedOut:
            raise
        except InterruptSyncError as error:
            self._state.spend(error)
            raise

    def _send(self, data: bytes, files: Sequence[int], deadline: Deadline, subject: Subject) -> None:
        rest = memoryview(data)
        while rest:
            try:
                if files:
                    sent, files = socket.send_fds(self._socket, [rest], list(files), socket.MSG_NOSIGNAL), ()
                else:
                    sent = self._socket.send(rest, socket.MSG_NOSIGNAL)
                rest = rest[sent:]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline, subject)
            except OSError as error:
                raise failure(error, subject) from error

    def _receive(self, deadline: Deadline, subject: Subject) -> Message:
        while True:
            if message := self._state.next():
                return message
            try:
                self._state.decoder.receive(self._socket, subject)
            except BlockingIOError:
                self._wait(select.POLLIN, deadline, subject)

    def _wait(self, events: int, deadline: Deadline, subject: Subject) -> None:
        poll = select.poll()
        poll.register(self._socket, events)
        if not poll.poll(deadline.milliseconds):
            raise self._state.too_late(subject)

    def wait_for(self, event: socket.socket, deadline: Deadline) -> Outcome:
        """Waits until `event` is signalled or the daemon ends the connection. If both happened, the signal counts."""
        poll = select.poll()
        poll.register(event, select.POLLIN)
        # The daemon sends nothing without a call: a readable socket means that it hung up.
        poll.register(self._socket, select.POLLIN)
        ready = dict(poll.poll(deadline.milliseconds))
        if not ready:
            return Outcome.TIMED_OUT
        if event.fileno() in ready and drain(event):
            return Outcome.SIGNALLED
        return Outcome.HUNG_UP

    @property
    def has_hung_up(self) -> bool:
        """Whether the daemon has ended the connection. Between calls."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))
