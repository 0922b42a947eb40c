"""Every method of io.interruptsync as a value: what is sent, and how the reply is read. No input or output: both
clients carry them out."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .errors import InvalidArgument, Subject
from .model import Device, DeviceChange, DeviceHistograms, InterruptSummary, Statistics
from .registers import Operation
from .reply import Answer

T = TypeVar("T")
INTERFACE = "io.interruptsync"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A call, and what its reply is made into. `files` are sent with it and stay the caller's."""

    method: str
    parameters: dict[str, object]
    subject: Subject
    read: Callable[[Answer], T]
    files: tuple[int, ...] = ()


def _call(name: str, parameters: dict[str, object], object_: str, operation: str, read: Callable[[Answer], T],
          files: tuple[int, ...] = ()) -> Call[T]:
    return Call(f"{INTERFACE}.{name}", parameters, Subject(object_, operation), read, files)


def _nothing(_: Answer) -> None:
    return None


def service_info(address: str) -> Call[None]:
    return Call("org.varlink.service.GetInfo", {}, Subject(address, "ask who answers"), _nothing)


def list_devices(address: str) -> Call[tuple[Device, ...]]:
    return _call("ListDevices", {}, address, "list devices", lambda answer: answer.each("devices", Device.of))


def describe(device: str) -> Call[Device]:
    return _call("DescribeDevice", {"device": device}, device, "describe",
                 lambda answer: Device.of(answer.inner("device")))


def watch(address: str) -> Call[DeviceChange]:
    return _call("WatchDevices", {}, address, "watch devices", DeviceChange.of)


def all_statistics(address: str) -> Call[tuple[Statistics, ...]]:
    return _call("GetStatistics", {}, address, "get statistics",
                 lambda answer: answer.each("statistics", Statistics.of))


def statistics(device: str) -> Call[Statistics]:
    def only(answer: Answer) -> Statistics:
        found = answer.each("statistics", Statistics.of)
        if len(found) != 1:
            raise answer.violation(f"statistics of {len(found)} devices")
        return found[0]

    return _call("GetStatistics", {"device": device}, device, "get statistics", only)


def histograms(device: str, period: str) -> Call[DeviceHistograms]:
    def only(answer: Answer) -> DeviceHistograms:
        found = answer.each("devices", DeviceHistograms.of)
        if len(found) != 1:
            raise answer.violation(f"histograms of {len(found)} devices")
        return found[0]

    return _call("GetHistograms", {"device": device, "period": period}, device, "get histograms", only)


def all_histograms(address: str, period: str) -> Call[tuple[DeviceHistograms, ...]]:
    return _call("GetHistograms", {"period": period}, address, "get histograms",
                 lambda answer: answer.each("devices", DeviceHistograms.of))


def reset_histograms(device: str) -> Call[None]:
    return _call("ResetHistograms", {"device": device}, device, "reset the histograms", _nothing)


def metrics(address: str) -> Call[str]:
    return _call("GetMetrics", {}, address, "get metrics", lambda answer: answer.text("text"))


def connect(device: str, persistent: bool) -> Call[None]:
    return _call("Connect", {"device": device, "persistent": persistent}, device, "connect", _nothing)


def disconnect(device: str) -> Call[None]:
    return _call("Disconnect", {"device": device}, device, "disconnect", _nothing)


def trigger(device: str, count: int) -> Call[None]:
    return _call("Trigger", {"device": device, "count": count}, device, "trigger", _nothing)


def set_mode(device: str, mode: str) -> Call[None]:
    return _call("SetMode", {"device": device, "mode": mode}, device, "set the mode", _nothing)


def set_policy(device: str, policy: str, priority: int | None) -> Call[None]:
    parameters: dict[str, object] = {"device": device, "policy": policy}
    if priority is not None:
        parameters["priority"] = priority
    return _call("SetPolicy", parameters, device, "set the policy", _nothing)


def reload(address: str) -> Call[None]:
    return _call("Reload", {}, address, "reload the configuration", _nothing)


@dataclass(frozen=True, slots=True)
class RingFiles:
    """The descriptors of a subscription, which the receiver owns."""

    memory: int
    event: int
    captures: tuple[str, ...]


def subscribe(device: str, capacity: int) -> Call[RingFiles]:
    return _call("Subscribe", {"device": device, "capacity": capacity}, device, "subscribe", _ring_files)


def _ring_files(answer: Answer) -> RingFiles:
    # Everything that can fail comes before the descriptors change hands.
    captures = answer.texts("captures")
    memory, event = answer.take_files("ring", "event")
    return RingFiles(memory, event, captures)


def events(device: str) -> Call[InterruptSummary]:
    return _call("Events", {"device": device}, device, "watch", InterruptSummary.of)


def transact(device: str, operations: Sequence[Operation]) -> Call[tuple[int, ...]]:
    def results(answer: Answer) -> tuple[int, ...]:
        found = answer.counts("results")
        if len(found) != len(operations):
            raise answer.violation(f"{len(found)} results for {len(operations)} operations")
        return found

    listed = [operation.members for operation in operations]
    return _call("Transact", {"device": device, "operations": listed}, device, "transact", results)


def attach(device: str, deadline: float | None) -> Call[int]:
    parameters: dict[str, object] = {"device": device}
    if deadline is not None:
        if not math.isfinite(deadline) or deadline <= 0:
            raise InvalidArgument(
                Subject(device, "attach"), f"{deadline!r} is not a number of seconds", "give a deadline such as 0.5")
        parameters["deadlineMicroseconds"] = math.ceil(round(deadline * 1e6, 6))
    return _call("Attach", parameters, device, "attach", lambda answer: answer.take_files("event")[0])


def complete(device: str, claimed: bool) -> Call[int]:
    return _call("Complete", {"device": device, "claimed": claimed}, device, "complete the interrupt",
                 lambda answer: answer.count("interrupts"))


def detach(device: str) -> Call[None]:
    return _call("Detach", {"device": device}, device, "detach", _nothing)


def adopt(device: str, files: tuple[int, ...]) -> Call[None]:
    parameters: dict[str, object] = {"device": device, "node": 0}
    if len(files) > 1:
        parameters["configuration"] = 1
    return _call("AdoptDevice", parameters, device, "hand over the device", _nothing, files)
