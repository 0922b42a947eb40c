"""Opens a device that the daemon may not open, so that its descriptors can be handed over."""
from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from .errors import InterruptSyncError, PermissionDenied, Subject, SystemFailure, WrongState, described
from .model import Device


@contextlib.contextmanager
def opened(name: str, device: Device) -> Iterator[tuple[int, ...]]:
    """The device's node and, for a PCI function, its configuration space, open until the block ends."""
    subject = Subject(name, "hand over the device")
    if device.number is None:
        raise WrongState(
            subject, "it has no device node now", "bind it to a UIO driver: interruptsyncctl bind")
    # Opening and closing the node would turn off bus mastering under its current user.
    if device.is_serviced:
        raise WrongState(
            subject, f"the daemon has it open already: it is {device.state.value}",
            "disconnect it first: interruptsyncctl disconnect")
    paths = [f"/dev/uio{device.number}"]
    if device.id.startswith("pci-"):
        paths.append(f"/sys/class/uio/uio{device.number}/device/config")
    with contextlib.ExitStack() as stack:
        files = []
        for path in paths:
            files.append(_open(path, subject))
            stack.callback(os.close, files[-1])
        yield tuple(files)


def _open(path: str, subject: Subject) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        denied = error.errno in (errno.EACCES, errno.EPERM)
        kind: type[InterruptSyncError] = PermissionDenied if denied else SystemFailure
        raise kind(
            subject, f"cannot open {path}: {described(error.errno)}",
            "run as root" if denied else "check that the device is still bound: interruptsyncctl list",
            errno=error.errno) from error
