"""A ring's records as a NumPy structured array. NumPy is imported when the first array is made, so that the rest of the
package does without it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import Subject, Unsupported
from .memory import RECORD

if TYPE_CHECKING:
    import numpy
    import numpy.typing

_FIELDS = ("interrupts", "total", "time_ns", "dropped", "claimed")
_FORMATS = ("u8", "u8", "u8", "u8", "u4")
_OFFSETS = (0, 8, 16, 24, 32)
_CAPTURED = 40


def dtype(captures: Sequence[str], subject: Subject) -> numpy.dtype[Any]:
    """Interrupts, total, time_ns, dropped and claimed; `captured`, and each captured register under its own name."""
    try:
        import numpy as np
    except ImportError as error:
        raise Unsupported(
            subject, "arrays need NumPy, and this Python has none", "install python3-numpy, or iterate over the ring"
        ) from error
    names, formats, offsets = list(_FIELDS), list[Any](_FORMATS), list(_OFFSETS)
    if captures:
        names.append("captured")
        formats.append(("u8", (len(captures),)))
        offsets.append(_CAPTURED)
    for index, name in enumerate(captures):
        # A register that has the name of a field is in `captured` alone.
        if name not in names:
            names.append(name)
            formats.append("u8")
            offsets.append(_CAPTURED + 8 * index)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": RECORD.size})


def array(data: bytes, captures: Sequence[str], subject: Subject) -> numpy.typing.NDArray[Any]:
    """What `RingMemory.take` returned, as an array of the caller's own."""
    kind = dtype(captures, subject)
    import numpy as np

    return np.frombuffer(data, kind).copy()
