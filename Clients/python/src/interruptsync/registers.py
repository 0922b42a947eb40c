"""The steps of a transaction as values, and a device's registers by the names of its data sheet."""
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import InvalidArgument, Subject

UINT64_MAX = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of a transaction. `read`, `write`, `update` and `wait` make it."""

    operation: str
    register: str
    value: int | None = None
    mask: int | None = None
    microseconds: int | None = None

    @property
    def members(self) -> dict[str, object]:
        """As the daemon takes it."""
        values: dict[str, object] = {"operation": self.operation, "register": self.register}
        for name in ("value", "mask", "microseconds"):
            number: int | None = getattr(self, name)
            if number is None:
                continue
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= UINT64_MAX:
                raise InvalidArgument(
                    Subject(self.register, self.operation), f"the {name} {number!r} is not a number of 64 bits",
                    "give an int from 0 to 2**64 - 1")
            values[name] = number
        return values


def read(register: str) -> Operation:
    """The result is the value that the register, such as `bar0:0x24/32`, holds."""
    return Operation("read", register)


def write(register: str, value: int) -> Operation:
    """The result is `value`."""
    return Operation("write", register, value)


def update(register: str, mask: int, value: int) -> Operation:
    """Writes (held and not `mask`) or `value`; the result is the value that the register held before."""
    return Operation("update", register, value, mask)


def wait(register: str, mask: int, value: int, timeout: float) -> Operation:
    """Waits until (held and `mask`) equals `value`, at most `timeout` seconds, rounded up to whole microseconds."""
    if not math.isfinite(timeout) or timeout < 0:
        raise InvalidArgument(
            Subject(register, "wait"), f"{timeout!r} is not a number of seconds", "give 0 or more, such as 0.002")
    # Rounded to picoseconds first: 0.0005 is a little more than 500 µs.
    return Operation("wait", register, value, mask, math.ceil(round(timeout * 1e6, 6)))


class Registers(Mapping[str, str]):
    """Names for a device's registers, so that transactions read like its data sheet.

    >>> edu = Registers(identification="bar0:0x00/32", liveness="bar0:0x04/32")
    >>> edu.write("liveness", 0x1234)
    Operation(operation='write', register='bar0:0x04/32', value=4660, mask=None, microseconds=None)
    """

    def __init__(self, places: Mapping[str, str] | None = None, /, **named: str) -> None:
        self._places = {**(places or {}), **named}

    def __getitem__(self, name: str) -> str:
        return self._places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"Registers({self._places!r})"

    def place(self, name: str) -> str:
        """REGION:OFFSET/WIDTH of a name. `InvalidArgument` for a name that is not known."""
        if name not in self._places:
            raise InvalidArgument(
                Subject(name, "find a register"), "no register has this name",
                "known are " + (", ".join(self._places) or "no registers"))
        return self._places[name]

    def read(self, name: str) -> Operation:
        return read(self.place(name))

    def read_all(self) -> list[Operation]:
        """Reads of every register, in their order."""
        return [read(place) for place in self._places.values()]

    def write(self, name: str, value: int) -> Operation:
        return write(self.place(name), value)

    def update(self, name: str, mask: int, value: int) -> Operation:
        return update(self.place(name), mask, value)

    def wait(self, name: str, mask: int, value: int, timeout: float) -> Operation:
        return wait(self.place(name), mask, value, timeout)
