"""Where the daemon listens, and connecting to it."""
from __future__ import annotations

import errno
import grp
import os
import socket
import struct

from .errors import (InterruptSyncError, InvalidArgument, NotRunning, PermissionDenied, ResourcesExhausted, Subject,
                     TimedOut, described)

DEFAULT = "/run/interruptsync/io.interruptsync"
# sun_path holds 108 bytes, the last of them a zero.
PATH_BYTES = 107
CONNECT = "connect to the daemon"


def default() -> str:
    """The environment variable INTERRUPTSYNC_ADDRESS, or the service's socket."""
    return os.environ.get("INTERRUPTSYNC_ADDRESS") or DEFAULT


def socket_name(address: str) -> bytes:
    """What the kernel calls the socket of a path, `unix:PATH` or `unix:@NAME`."""
    subject = Subject(address, CONNECT)
    hint = "give a path, unix:PATH or unix:@NAME"
    name = address.removeprefix("unix:").split(";", 1)[0] if address.startswith("unix:") else address
    if not name or (name is address and "/" not in name):
        raise InvalidArgument(subject, "the address is no path and does not begin with unix:", hint)
    raw = os.fsencode(name)
    if len(raw) > PATH_BYTES or b"\0" in raw:
        raise InvalidArgument(subject, f"the address has a zero byte or more than {PATH_BYTES} bytes", hint)
    return b"\0" + raw[1:] if address.startswith("unix:@") else raw


def connected(address: str, timeout: float | None) -> socket.socket:
    """A connection that blocks while the listener's queue is full, at most for `timeout` seconds."""
    name = socket_name(address)
    made = new_socket(address)
    try:
        # A socket that does not block would not wait for room in the queue.
        if timeout is not None:
            bounded = max(timeout, 1e-6)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                            struct.pack("ll", int(bounded), int(bounded % 1 * 1e6)))
        made.connect(name)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise refusal(error, address) from error
    return made


def new_socket(address: str) -> socket.socket:
    try:
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise refusal(error, address) from error


def refusal(error: OSError, address: str) -> InterruptSyncError:
    """Why there is no connection, and what to do about it."""
    subject, number = Subject(address, CONNECT), error.errno
    if number in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
        return NotRunning(
            subject, "no daemon listens there", "start the daemon: systemctl start interruptsyncd", errno=number)
    if number in (errno.EACCES, errno.EPERM):
        return PermissionDenied(subject, "this process may not connect", joining(address), errno=number)
    if number in (errno.EAGAIN, errno.EINPROGRESS):
        return TimedOut(
            subject, "the daemon did not take the connection in time",
            "the daemon may be busy: look at its log, or give a longer timeout", errno=number)
    return ResourcesExhausted(
        subject, f"cannot connect ({described(number)})", "close other connections and files, then try again",
        errno=number)


def joining(address: str) -> str:
    """The hint that names the group of a socket's file."""
    try:
        name = grp.getgrgid(os.stat(address.removeprefix("unix:")).st_gid).gr_name
    except (OSError, KeyError):
        return "run as root, or as a member of the socket's group"
    return f"members of the group {name} may connect: usermod -aG {name} USER, then log in again"
