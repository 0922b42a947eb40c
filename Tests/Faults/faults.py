"""Which faults a test goes through, and what an error says about its cause."""
import errno
import os
import re

from calls import CALLS, OCCURRENCES
from seam import Fault, numbers

SOAK = bool(os.environ.get("SOAK"))
# What an errno becomes on its way: the C library has one for every reason not to make a thread.
ALSO = {("clone3", "ENOMEM"): "EAGAIN", ("mmap", "ENOMEM"): "EAGAIN"}


def all_faults(kinds=CALLS, begins=None):
    """Each of the first calls of a kind with each errno; the next errno once a fault was armed and did not strike."""
    for kind in kinds:
        if CALLS[kind].call not in numbers():
            continue
        for error in CALLS[kind].errors:
            for occurrence in range(1, OCCURRENCES + 1):
                fault = Fault(kind, error, occurrence, begins)
                yield fault
                if not fault.struck:
                    break


# Where each fault costs a process of its own.
FEW = (1, 2, 3, 5, 8, 13, 20)


def some_faults(begins=None, occurrences=range(1, OCCURRENCES + 1)):
    """Each of the calls with one errno after the other; each errno at least once. With SOAK=1 all of all_faults()."""
    if SOAK:
        yield from all_faults(begins=begins)
        return
    for kind, call in CALLS.items():
        if call.call not in numbers():
            continue
        left = list(call.errors)
        for turn, occurrence in enumerate(occurrences):
            error = call.errors[turn % len(call.errors)]
            fault = Fault(kind, error, occurrence, begins)
            yield fault
            if not fault.struck:
                break
            left = [other for other in left if other != error]
        else:
            turn += 1
        # Errors that no turn came to, of a kind that is called at all.
        for error in left if turn else ():
            yield Fault(kind, error, 1, begins)


def names_cause(fault, said):
    """Whether an error has the errno's name, or the C library's words for it."""
    names = {fault.error, ALSO.get((fault.call, fault.error), fault.error)}
    return any(re.search(rf"\b{name}\b", said) or os.strerror(getattr(errno, name)) in said for name in names)
