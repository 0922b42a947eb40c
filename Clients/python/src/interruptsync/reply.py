"""Checks each reply against the interface: a member that is missing or has the wrong type is an error, never a guess.
Members that this version does not know are ignored."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from .errors import ProtocolViolation, Subject
from .wire import Message, violation

T = TypeVar("T")
UINT64 = 1 << 64


class Answer:
    """The members of one reply, or of an object in it, and the descriptors that came with the reply."""

    __slots__ = ("members", "subject", "_message")

    def __init__(self, members: Mapping[str, object], subject: Subject, message: Message | None = None) -> None:
        self.members = members
        self.subject = subject
        self._message = message

    def violation(self, cause: str) -> ProtocolViolation:
        return violation(self.subject, cause)

    def _wrong(self, key: str) -> ProtocolViolation:
        return self.violation(f"{key} is missing or has the wrong type")

    def text(self, key: str) -> str:
        value = self.members.get(key)
        if not isinstance(value, str):
            raise self._wrong(key)
        return value

    def optional_text(self, key: str) -> str | None:
        return None if self.members.get(key) is None else self.text(key)

    def flag(self, key: str) -> bool:
        value = self.members.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key)
        return value

    def count(self, key: str) -> int:
        """A number from 0 to 2^64 - 1."""
        return self._number(self.members.get(key), key)

    def optional_count(self, key: str) -> int | None:
        return None if self.members.get(key) is None else self.count(key)

    def _number(self, value: object, key: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < UINT64:
            raise self._wrong(key)
        return value

    def _list(self, key: str) -> list[object]:
        value = self.members.get(key)
        if not isinstance(value, list):
            raise self._wrong(key)
        return value

    def counts(self, key: str) -> tuple[int, ...]:
        return tuple(self._number(value, key) for value in self._list(key))

    def optional_counts(self, key: str) -> tuple[int, ...]:
        return () if self.members.get(key) is None else self.counts(key)

    def optional_each(self, key: str, make: Callable[[Answer], T]) -> tuple[T, ...]:
        return () if self.members.get(key) is None else self.each(key, make)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        found = tuple(value for value in values if isinstance(value, str))
        if len(found) != len(values):
            raise self._wrong(key)
        return found

    def optional_texts(self, key: str) -> tuple[str, ...]:
        return () if self.members.get(key) is None else self.texts(key)

    def inner(self, key: str) -> Answer:
        return self._object(self.members.get(key), key)

    def _object(self, value: object, key: str) -> Answer:
        if not isinstance(value, dict):
            raise self._wrong(key)
        return Answer(value, self.subject)

    def each(self, key: str, make: Callable[[Answer], T]) -> tuple[T, ...]:
        return tuple(make(self._object(value, key)) for value in self._list(key))

    def table(self, key: str) -> dict[str, int]:
        values = self.inner(key)
        return {name: values.count(name) for name in values.members}

    def take_files(self, *keys: str) -> tuple[int, ...]:
        """The descriptors that these members number: all of them, or an error. The caller owns them."""
        numbers = [self.count(key) for key in keys]
        files = self._message.files if self._message else []
        for key, number in zip(keys, numbers):
            if number >= len(files):
                raise self.violation(f"{key} is descriptor {number}, and {len(files)} came")
        if len(set(numbers)) != len(numbers):
            raise self.violation(f"{' and '.join(keys)} are the same descriptor")
        taken = tuple(files[number] for number in numbers)
        for number in numbers:
            files[number] = -1
        return taken
