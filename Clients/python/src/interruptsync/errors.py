"""The errors of this package: one class for each cause, all of them an InterruptSyncError. Each names the object, the
operation and the cause, and says what to do."""
from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from typing import ClassVar


class Code(enum.Enum):
    """The cause, as a value for programs."""

    NOT_RUNNING = "notRunning"
    PERMISSION_DENIED = "permissionDenied"
    NO_SUCH_DEVICE = "noSuchDevice"
    WRONG_STATE = "wrongState"
    BUSY = "busy"
    NOT_ALLOWED = "notAllowed"
    BAD_REGISTER = "badRegister"
    TOO_LARGE = "tooLarge"
    WAIT_EXPIRED = "waitExpired"
    DEVICE_GONE = "deviceGone"
    NOT_ATTACHED = "notAttached"
    CONFIGURATION_REJECTED = "configurationRejected"
    TOO_MANY_REGISTRATIONS = "tooManyRegistrations"
    SYSTEM_FAILURE = "systemFailure"
    INVALID_ARGUMENT = "invalidArgument"
    UNSUPPORTED = "unsupported"
    DISCONNECTED = "disconnected"
    TIMED_OUT = "timedOut"
    PROTOCOL_VIOLATION = "protocolViolation"
    RESOURCES_EXHAUSTED = "resourcesExhausted"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class Diagnostic:
    """An error in a configuration file of the daemon."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        advice = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{advice}"


@dataclass(frozen=True)
class Subject:
    """The object and the operation that the errors of a call name."""

    object: str
    operation: str


class InterruptSyncError(Exception):
    """A failure of this package or of the daemon.

    `code` is the cause for programs, `hint` says what to do ("" if there is nothing to do), `errno` is the kernel's
    answer where there is one. `results` has a result for each operation that a transaction carried out before it ended
    early, `diagnostics` the errors of a rejected configuration, and `daemon_code` the daemon's own name of the cause.
    """

    code: ClassVar[Code] = Code.UNEXPECTED

    def __init__(
            self, subject: Subject, cause: str, hint: str = "", *, errno: int | None = None,
            results: tuple[int, ...] = (), diagnostics: tuple[Diagnostic, ...] = (), daemon_code: str = "") -> None:
        super().__init__(subject, cause, hint)
        self.object = subject.object
        self.operation = subject.operation
        self.cause = cause
        self.hint = hint
        self.errno = errno
        self.results = results
        self.diagnostics = diagnostics
        self.daemon_code = daemon_code

    def __str__(self) -> str:
        advice = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{self.object}: {self.operation}: {self.cause}{advice}"


class NotRunning(InterruptSyncError):
    """No daemon listens at the address."""

    code = Code.NOT_RUNNING


class PermissionDenied(InterruptSyncError):
    """This process may not connect, or may connect but not do this."""

    code = Code.PERMISSION_DENIED


class NoSuchDevice(InterruptSyncError):
    """No device has this name, or you may not observe it."""

    code = Code.NO_SUCH_DEVICE


class WrongState(InterruptSyncError):
    """The device exists, but is not in the state that the call needs."""

    code = Code.WRONG_STATE


class Busy(InterruptSyncError):
    """Another client has attached the device, or a routine holds its lock for too long."""

    code = Code.BUSY


class NotAllowed(InterruptSyncError):
    """The device's file does not allow it, or the device has no file."""

    code = Code.NOT_ALLOWED


class BadRegister(InterruptSyncError):
    """A register that is malformed, out of bounds, misaligned or of a region that does not exist."""

    code = Code.BAD_REGISTER


class TooLarge(InterruptSyncError):
    """More operations, time or memory than the daemon allows."""

    code = Code.TOO_LARGE


class WaitExpired(InterruptSyncError):
    """A wait of a transaction timed out; `results` has the results until then."""

    code = Code.WAIT_EXPIRED


class DeviceGone(InterruptSyncError):
    """The device was removed; `results` has the results until then."""

    code = Code.DEVICE_GONE


class NotAttached(InterruptSyncError):
    """The attachment has ended: you missed its deadline, its device has gone, or you detached."""

    code = Code.NOT_ATTACHED


class ConfigurationRejected(InterruptSyncError):
    """The configuration has errors; `diagnostics` says where."""

    code = Code.CONFIGURATION_REJECTED


class TooManyRegistrations(InterruptSyncError):
    """The user has as many registrations as the daemon allows."""

    code = Code.TOO_MANY_REGISTRATIONS


class SystemFailure(InterruptSyncError):
    """A system call failed; `errno` has the kernel's answer."""

    code = Code.SYSTEM_FAILURE


class InvalidArgument(InterruptSyncError):
    """The daemon or this package does not accept an argument."""

    code = Code.INVALID_ARGUMENT


class Unsupported(InterruptSyncError):
    """The daemon's version or this system cannot do this."""

    code = Code.UNSUPPORTED


class Disconnected(InterruptSyncError):
    """The connection has ended."""

    code = Code.DISCONNECTED


class TimedOut(InterruptSyncError, TimeoutError):
    """Nothing came in time."""

    code = Code.TIMED_OUT
    errno: int | None  # type: ignore[assignment]  # OSError has it, too.

    # OSError would take two arguments for a number and its text.
    __str__ = InterruptSyncError.__str__


class ProtocolViolation(InterruptSyncError):
    """The daemon sent something that its interface does not allow."""

    code = Code.PROTOCOL_VIOLATION


class ResourcesExhausted(InterruptSyncError):
    """This process has no descriptor or memory left."""

    code = Code.RESOURCES_EXHAUSTED


def described(number: int | None) -> str:
    """The kernel's answer in words."""
    return os.strerror(number) if number else "unknown error"
