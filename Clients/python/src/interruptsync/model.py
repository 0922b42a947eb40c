"""Devices, statistics and interrupts as values, as the daemon describes them. Times are nanoseconds of
CLOCK_MONOTONIC."""
from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from .reply import Answer


class State(enum.Enum):
    """How far the daemon services a device."""

    LISTED = "listed"
    CONNECTED = "connected"
    STORMING = "storming"
    ATTACHED = "attached"
    FAILED = "failed"
    GONE = "gone"
    # Of a daemon that is newer than this package.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Region:
    """A range of registers: `barN`, `mapN` or `portN`."""

    name: str
    kind: str
    address: int
    size: int

    @classmethod
    def of(cls, answer: Answer) -> Region:
        return cls(answer.text("name"), answer.text("kind"), answer.count("address"), answer.count("size"))


@dataclass(frozen=True, slots=True)
class Device:
    """A device or software line, and how the daemon serviced it at one moment."""

    id: str
    name: str
    state: State
    # N of /dev/uioN; None for software lines, devices of vfio-pci, and devices that have gone.
    number: int | None
    driver: str | None
    failure: str | None
    failure_hint: str | None
    file: str | None
    mode: str | None
    rearm: str | None
    routines: tuple[str, ...]
    # Routines that claim on a level-triggered line and acknowledge nothing.
    unsilenced: tuple[str, ...]
    irq: int | None
    thread: str | None
    processors: tuple[int, ...]
    interrupt_processors: tuple[int, ...]
    regions: tuple[Region, ...]

    @classmethod
    def of(cls, answer: Answer) -> Device:
        state = answer.text("state")
        return cls(
            id=answer.text("id"), name=answer.text("name"),
            state=State(state) if state in State._value2member_map_ else State.UNKNOWN,
            number=answer.optional_count("number"), driver=answer.optional_text("driver"),
            failure=answer.optional_text("failure"), failure_hint=answer.optional_text("failureHint"),
            file=answer.optional_text("file"), mode=answer.optional_text("mode"), rearm=answer.optional_text("rearm"),
            routines=answer.texts("routines"), unsilenced=answer.optional_texts("unsilenced"),
            irq=answer.optional_count("irq"), thread=answer.optional_text("thread"),
            processors=answer.optional_counts("processors"),
            interrupt_processors=answer.optional_counts("interruptProcessors"),
            regions=answer.each("regions", Region.of))

    @property
    def is_serviced(self) -> bool:
        """Whether the line is connected, masked by the storm brake, or attached by a client."""
        return self.state in (State.CONNECTED, State.STORMING, State.ATTACHED)


class Event(enum.Enum):
    """The kind of a change."""

    # All devices: the first change, and again after changes were missed.
    PRESENT = "present"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """Devices, and how they changed."""

    event: Event
    devices: tuple[Device, ...]

    @classmethod
    def of(cls, answer: Answer) -> DeviceChange:
        event = answer.text("event")
        if event not in Event._value2member_map_:
            raise answer.violation(f"an unknown event, {event!r}")
        return cls(Event(event), answer.each("devices", Device.of))


@dataclass(frozen=True, slots=True)
class RoutineStatistics:
    """How often the dispatcher called a service routine, and how often the routine claimed."""

    name: str
    calls: int
    claims: int

    @classmethod
    def of(cls, answer: Answer) -> RoutineStatistics:
        return cls(answer.text("name"), answer.count("calls"), answer.count("claims"))


@dataclass(frozen=True, slots=True)
class Statistics:
    """The counters of one line."""

    id: str
    interrupts: int
    dispatches: int
    # Interrupts that shared a dispatch with another.
    coalesced: int
    claimed: int
    unclaimed: int
    passes: int
    rearm_failures: int
    storms: int
    claimed_storms: int
    synchronized_calls: int
    longest_hold_ns: int
    longest_wait_ns: int
    routines: tuple[RoutineStatistics, ...]

    @classmethod
    def of(cls, answer: Answer) -> Statistics:
        return cls(
            id=answer.text("id"), interrupts=answer.count("interrupts"), dispatches=answer.count("dispatches"),
            coalesced=answer.count("coalesced"), claimed=answer.count("claimed"), unclaimed=answer.count("unclaimed"),
            passes=answer.count("passes"), rearm_failures=answer.count("rearmFailures"), storms=answer.count("storms"),
            claimed_storms=answer.optional_count("claimedStorms") or 0,
            synchronized_calls=answer.count("synchronizedCalls"),
            longest_hold_ns=answer.count("longestHoldNanoseconds"),
            longest_wait_ns=answer.count("longestWaitNanoseconds"),
            routines=answer.each("routines", RoutineStatistics.of))


class Measure(enum.Enum):
    """The kind of time that a histogram has."""

    # How long a dispatch held the interrupt lock, and how long a thread waited for it.
    SERVICE = "service"
    WAIT = "wait"
    # From one dispatch to the next.
    INTERVAL = "interval"
    # From the cause to the dispatch, where the cause has a time.
    LATENCY = "latency"
    # Of a daemon that is newer than this package.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many times were at least `from_ns` and less than `to_ns`."""

    from_ns: int
    to_ns: int
    count: int

    @classmethod
    def of(cls, answer: Answer) -> Bucket:
        return cls(answer.count("fromNanoseconds"), answer.count("toNanoseconds"), answer.count("count"))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often times of which length came. The percentiles are None where there is no time yet."""

    what: Measure
    count: int
    sum_ns: int
    p50_ns: int | None
    p90_ns: int | None
    p99_ns: int | None
    p999_ns: int | None
    longest_ns: int | None
    # Of one device; shortest first, without empty ones.
    buckets: tuple[Bucket, ...]

    @classmethod
    def of(cls, answer: Answer) -> Histogram:
        what = answer.text("what")
        return cls(
            what=Measure(what) if what in Measure._value2member_map_ else Measure.UNKNOWN, count=answer.count("count"),
            sum_ns=answer.count("sumNanoseconds"), p50_ns=answer.optional_count("p50Nanoseconds"),
            p90_ns=answer.optional_count("p90Nanoseconds"), p99_ns=answer.optional_count("p99Nanoseconds"),
            p999_ns=answer.optional_count("p999Nanoseconds"), longest_ns=answer.optional_count("longestNanoseconds"),
            buckets=answer.optional_each("buckets", Bucket.of))


@dataclass(frozen=True, slots=True)
class DeviceHistograms:
    """The histograms of one line; none if the daemon has not serviced it yet."""

    id: str
    histograms: tuple[Histogram, ...]

    @classmethod
    def of(cls, answer: Answer) -> DeviceHistograms:
        return cls(answer.text("id"), answer.each("histograms", Histogram.of))


@dataclass(frozen=True, slots=True)
class InterruptSummary:
    """The interrupts since the previous summary, merged. `time_ns` and `captured` are of the last one."""

    interrupts: int
    dispatches: int
    coalesced: int
    time_ns: int
    claimed: bool
    captured: Mapping[str, int]

    @classmethod
    def of(cls, answer: Answer) -> InterruptSummary:
        return cls(
            interrupts=answer.count("interrupts"), dispatches=answer.count("dispatches"),
            coalesced=answer.count("coalesced"), time_ns=answer.count("timestampNanoseconds"),
            claimed=answer.flag("claimed"), captured=answer.table("captured"))


@dataclass(frozen=True, slots=True)
class InterruptRecord:
    """One dispatch, as a ring records it."""

    # Interrupts that this dispatch serviced, and of the device so far.
    interrupts: int
    total: int
    time_ns: int
    claimed: bool
    # Records that the ring had dropped by then for lack of room.
    dropped: int
    # The values of the captured registers, in the order of the ring's `captures`.
    captured: tuple[int, ...]
