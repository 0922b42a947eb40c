"""A full memory barrier for this thread, which Python's language does not have: membarrier(2).

The kernel documents that no access to memory before the call can be seen after one that follows it, on every
architecture. A call through ctypes is opaque to compilers, so that neither they nor the processor reorder across it.
"""
from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading

from .errors import Subject, Unsupported, described

_CALLS = {"x86_64": 324, "aarch64": 283, "riscv64": 283, "loongarch64": 283, "ppc64le": 365, "s390x": 356}
_GLOBAL_EXPEDITED = 2
_REGISTER_GLOBAL_EXPEDITED = 4

HINT = "read interrupts with events(), which needs no shared memory, or permit membarrier(2) to this process"


class Barrier:
    """Makes all earlier loads and stores of this thread happen before all later ones."""

    def __init__(self, subject: Subject) -> None:
        """`Unsupported` where this system has no such call."""
        machine = os.uname().machine
        number = _CALLS.get(machine)
        if number is None or struct.calcsize("P") != 8:
            raise Unsupported(
                subject, f"a ring needs a 64-bit Python on {', '.join(_CALLS)}, and this is {machine}", HINT)
        self._number = number
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._call.restype = ctypes.c_long
        # A registered process is among those whose threads the kernel vouches for.
        if self._membarrier(_REGISTER_GLOBAL_EXPEDITED) != 0 or self._membarrier(_GLOBAL_EXPEDITED) != 0:
            number = ctypes.get_errno()
            raise Unsupported(
                subject, f"the kernel refuses membarrier(2) ({described(number)}), which orders accesses to a ring",
                HINT, errno=number)

    def _membarrier(self, command: int) -> int:
        return int(self._call(ctypes.c_long(self._number), ctypes.c_long(command), ctypes.c_long(0), ctypes.c_long(0)))

    def __call__(self) -> None:
        # It worked when the barrier was made: only a filter of system calls that came later can refuse it now.
        if self._membarrier(_GLOBAL_EXPEDITED) != 0:
            number = ctypes.get_errno() or errno.EPERM
            raise Unsupported(
                Subject("ring", "order memory"), f"the kernel refuses membarrier(2) now ({described(number)})", HINT,
                errno=number)


_made: Barrier | None = None
_making = threading.Lock()


def barrier(subject: Subject) -> Barrier:
    """The barrier of this process."""
    global _made
    with _making:
        if _made is None:
            _made = Barrier(subject)
        return _made
