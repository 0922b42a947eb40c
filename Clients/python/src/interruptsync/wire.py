"""Varlink's wire: calls and replies as JSON objects, each followed by a zero byte, and the descriptors that came
with them. No input or output: both clients feed it what they receive."""
from __future__ import annotations

import array
import errno
import json
import os
import socket
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .errors import (Disconnected, InterruptSyncError, PermissionDenied, ProtocolViolation, ResourcesExhausted, Subject,
                     described)

# A daemon's answer may be long; more than this is none.
MESSAGE_BYTES = 16 << 20
# The kernel's limit for one message.
DESCRIPTORS = 253
RECEIVE_BYTES = 1 << 16

VERSION_HINT = "the daemon has another version: restart it after an upgrade"
STATUS_HINT = "systemctl status interruptsyncd shows why"


def encode(method: str, parameters: Mapping[str, object], more: bool = False) -> bytes:
    """A call as it is sent."""
    call: dict[str, object] = {"method": method, "parameters": parameters}
    if more:
        call["more"] = True
    return json.dumps(call, separators=(",", ":")).encode() + b"\0"


@dataclass(slots=True)
class Message:
    """One reply, with the descriptors that came with it, which it owns until they are taken."""

    parameters: dict[str, object]
    error: str | None = None
    continues: bool = False
    files: list[int] = field(default_factory=list)

    def close(self) -> None:
        """Closes every descriptor that no consumer took."""
        close_all(file for file in self.files if file >= 0)
        self.files = []


def close_all(files: Iterable[int]) -> None:
    for file in files:
        os.close(file)


class Decoder:
    """The replies of one connection, from the bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._files: list[int] = []
        self._messages: deque[Message] = deque()

    def receive(self, source: socket.socket, subject: Subject) -> None:
        """Reads once from a socket. `BlockingIOError` if it has nothing."""
        room = socket.CMSG_SPACE(DESCRIPTORS * 4)
        try:
            data, control, flags, _ = source.recvmsg(RECEIVE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            raise
        except OSError as error:
            raise failure(error, subject) from error
        for level, kind, content in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files = array.array("i")
                files.frombytes(content[:len(content) - len(content) % files.itemsize])
                self._files += files
        if flags & socket.MSG_CTRUNC:
            raise ResourcesExhausted(
                subject, "the kernel could not deliver the descriptors of the reply",
                "raise the limit of open files: ulimit -n, or LimitNOFILE= of systemd")
        if len(self._files) > DESCRIPTORS:
            raise violation(subject, f"more than {DESCRIPTORS} descriptors in one reply")
        if not data:
            raise Disconnected(subject, "the daemon closed the connection without an answer", STATUS_HINT)
        self._buffer += data
        self._split(subject)

    def _split(self, subject: Subject) -> None:
        while (end := self._buffer.find(0, self._searched)) >= 0:
            text = bytes(self._buffer[:end])
            del self._buffer[:end + 1]
            self._searched = 0
            message = parse(text, subject)
            message.files, self._files = self._files, []
            self._messages.append(message)
        self._searched = len(self._buffer)
        if self._searched > MESSAGE_BYTES:
            raise violation(subject, f"a reply of more than {MESSAGE_BYTES} bytes")

    def next(self) -> Message | None:
        """The next reply, if it is complete."""
        return self._messages.popleft() if self._messages else None

    def close(self) -> None:
        """Closes the descriptors of replies that no call took."""
        close_all(self._files)
        self._files = []
        while self._messages:
            self._messages.popleft().close()


def parse(text: bytes, subject: Subject) -> Message:
    """One reply. `ProtocolViolation` unless it is a reply as Varlink defines it."""
    if len(text) > MESSAGE_BYTES:
        raise violation(subject, f"a reply of more than {MESSAGE_BYTES} bytes")
    try:
        reply = json.loads(text.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise violation(subject, f"a reply that is not JSON ({fault})") from fault
    if not isinstance(reply, dict):
        raise violation(subject, "a reply that is not an object")
    parameters = reply.get("parameters")
    if parameters is None:
        parameters = {}
    error = reply.get("error")
    continues = reply.get("continues")
    if not isinstance(parameters, dict):
        raise violation(subject, "parameters is not an object")
    if error is not None and not isinstance(error, str):
        raise violation(subject, "error is not a string")
    if continues is not None and not isinstance(continues, bool):
        raise violation(subject, "continues is not a bool")
    return Message(parameters, error, bool(continues) and error is None)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def violation(subject: Subject, cause: str) -> ProtocolViolation:
    return ProtocolViolation(subject, f"the daemon's answer does not match its interface: {cause}", VERSION_HINT)


def failure(error: OSError, subject: Subject) -> InterruptSyncError:
    """What a system call on the connection failed with."""
    if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF):
        return Disconnected(subject, "the connection has ended", STATUS_HINT, errno=error.errno)
    if error.errno in (errno.EPERM, errno.EACCES):
        return PermissionDenied(
            subject, "the daemon takes no descriptors of this user",
            "run as root, or as a member of a group in AdminGroup= of interruptsyncd.conf(5)", errno=error.errno)
    return ResourcesExhausted(
        subject, f"the connection failed ({described(error.errno)})",
        "close other connections and files, then try again", errno=error.errno)
