"""The daemon's error replies as this package's errors, with the daemon's own words wherever it has some."""
from __future__ import annotations

from typing import NamedTuple

from .calls import INTERFACE
from .errors import (BadRegister, Busy, ConfigurationRejected, DeviceGone, Diagnostic, InterruptSyncError,
                     InvalidArgument, NoSuchDevice, NotAllowed, NotAttached, PermissionDenied, Subject, SystemFailure,
                     TooLarge, TooManyRegistrations, Unsupported, WaitExpired, WrongState)
from .wire import VERSION_HINT, Message


class Known(NamedTuple):
    """An error of the interface, and what to say where the daemon says nothing."""

    kind: type[InterruptSyncError]
    cause: str
    hint: str


VARLINK = "org.varlink.service"
KNOWN = {
    f"{INTERFACE}.NoSuchDevice": Known(NoSuchDevice, "there is no such device", "interruptsyncctl list"),
    f"{INTERFACE}.WrongState": Known(
        WrongState, "its state does not allow this", "interruptsyncctl info shows its state"),
    f"{INTERFACE}.Busy": Known(Busy, "another client has attached it", "wait until that client detaches"),
    f"{INTERFACE}.NotAllowed": Known(
        NotAllowed, "the device's file does not allow it", "describe the device in a file: interruptsync.device(5)"),
    f"{INTERFACE}.BadRegister": Known(BadRegister, "there is no such register", "interruptsyncctl info"),
    f"{INTERFACE}.TooLarge": Known(
        TooLarge, "it is more than the daemon allows",
        "make it smaller, or raise TransactionMaxOperations= or TransactionMaxSec= in interruptsyncd.conf(5)"),
    f"{INTERFACE}.WaitExpired": Known(WaitExpired, "a wait timed out", "wait longer, or look at the results so far"),
    f"{INTERFACE}.DeviceGone": Known(DeviceGone, "the device was removed", "wait until it returns"),
    f"{INTERFACE}.NotAttached": Known(NotAttached, "the attachment has ended", "attach the device again"),
    f"{INTERFACE}.ConfigurationRejected": Known(
        ConfigurationRejected, "the configuration has errors; the daemon keeps the old one",
        "correct the files, then reload"),
    f"{INTERFACE}.TooManyRegistrations": Known(
        TooManyRegistrations, "the user has reached the daemon's limit of registrations",
        "end others, or raise RegistrationsPerUserMax= or SubscriptionsPerUserMax= in interruptsyncd.conf(5)"),
    f"{INTERFACE}.BadDescriptor": Known(
        InvalidArgument, "the daemon does not accept this descriptor", "open the device's own files"),
    f"{INTERFACE}.SystemFailure": Known(SystemFailure, "a system call of the daemon failed", "look at its log"),
    f"{VARLINK}.PermissionDenied": Known(
        PermissionDenied, "the daemon does not allow this user to do that",
        "run as root, or as a member of a group in ControlGroup= or AdminGroup= of interruptsyncd.conf(5)"),
    f"{VARLINK}.InvalidParameter": Known(
        InvalidArgument, "the daemon does not accept an argument", "see io.interruptsync(7)"),
    f"{VARLINK}.MethodNotFound": Known(Unsupported, "the daemon does not know this method", VERSION_HINT),
    f"{VARLINK}.MethodNotImplemented": Known(Unsupported, "the daemon does not have this method", VERSION_HINT),
    f"{VARLINK}.InterfaceNotFound": Known(
        Unsupported, "the service is no interruptsyncd of this version", VERSION_HINT),
}


def refusal(message: Message, subject: Subject) -> InterruptSyncError:
    """The error of an error reply. Its parameters may be anything: what is not as declared is left out."""
    parameters = message.parameters
    name = message.error or ""
    known = KNOWN.get(name, Known(InterruptSyncError, f"the daemon answered {name}", VERSION_HINT))
    diagnostics = tuple(_diagnostics(parameters.get("diagnostics")))
    return known.kind(
        subject, _cause(parameters, known, diagnostics), _text(parameters, "hint") or known.hint,
        errno=_number(parameters, "errno"), results=_results(parameters.get("results")), diagnostics=diagnostics,
        daemon_code=_text(parameters, "code"))


def _text(parameters: dict[str, object], key: str) -> str:
    value = parameters.get(key)
    return value if isinstance(value, str) else ""


def _number(parameters: dict[str, object], key: str) -> int | None:
    value = parameters.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _results(values: object) -> tuple[int, ...]:
    return tuple(value for value in values if isinstance(value, int)) if isinstance(values, list) else ()


def _diagnostics(values: object) -> list[Diagnostic]:
    found = []
    for value in values if isinstance(values, list) else []:
        if isinstance(value, dict):
            found.append(Diagnostic(
                _text(value, "file"), _number(value, "line") or 0, _number(value, "column") or 0,
                _text(value, "message"), _text(value, "hint")))
    return found


def _cause(parameters: dict[str, object], known: Known, diagnostics: tuple[Diagnostic, ...]) -> str:
    operation = _number(parameters, "operation")
    if message := _text(parameters, "message"):
        return message if operation is None else f"operation {operation + 1}: {message}"
    if parameter := _text(parameters, "parameter"):
        return f"the daemon does not accept this value for {parameter}"
    if operation is not None:
        return f"the wait, operation {operation + 1}, timed out"
    if (limit := _number(parameters, "limit")) is not None:
        return f"{known.cause}: {limit}"
    return "\n".join([known.cause, *map(str, diagnostics)])
