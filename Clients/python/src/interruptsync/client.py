"""The daemon's interface for programs that wait: every call waits for its answer on the caller's thread. Streams,
rings and attachments have their own connections, and end when you close them."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Self, TypeVar

from . import address as addresses
from . import calls
from .adoption import opened
from .calls import Call
from .connection import Connection, Deadline, Outcome, item
from .errors import Disconnected, Subject
from .model import Device, DeviceChange, DeviceHistograms, InterruptSummary, Statistics
from .registers import Operation
from .ring import Ring, event_socket

T = TypeVar("T")
TIMEOUT = 10.0


class Client:
    """A connection to interruptsyncd.

    Name a device by its stable id (`pci-0000:00:03.0`), node (`/dev/uio0`, `uio0`), uio name where that is unique,
    or the name of a software line. Everything that a client registers ends with its connection unless it is
    persistent."""

    def __init__(self, address: str | None = None, timeout: float | None = TIMEOUT) -> None:
        """Connects to `address`, a path, `unix:PATH` or `unix:@NAME`; None takes the environment variable
        INTERRUPTSYNC_ADDRESS, or the service's socket. `timeout` is for connecting and for each answer."""
        self._connection = Connection(address or addresses.default(), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        return self._connection.address

    def close(self) -> None:
        """Ends the connection. Streams, rings and attachments go on."""
        self._connection.close()

    def _new_connection(self) -> Connection:
        return Connection(self.address, self._connection.timeout)

    # Devices, statistics, metrics: the role observe.

    def devices(self) -> tuple[Device, ...]:
        """Every device that you may observe, in no defined order."""
        return self._connection.call(calls.list_devices(self.address))

    def device(self, device: str) -> Device:
        """One device."""
        return self._connection.call(calls.describe(device))

    def watch_devices(self) -> Stream[DeviceChange]:
        """All devices first, then every change."""
        return self._stream(calls.watch(self.address))

    def statistics(self, device: str) -> Statistics:
        """The counters of one line."""
        return self._connection.call(calls.statistics(device))

    def all_statistics(self) -> tuple[Statistics, ...]:
        """The counters of every line."""
        return self._connection.call(calls.all_statistics(self.address))

    def histograms(self, device: str, period: str = "start") -> DeviceHistograms:
        """Times of one line, with buckets: since the daemon began to service it with its present settings (`start`),
        since the last `reset_histograms` (`reset`), or of the last whole 10 seconds (`window`)."""
        return self._connection.call(calls.histograms(device, period))

    def all_histograms(self, period: str = "start") -> tuple[DeviceHistograms, ...]:
        """Times of every line, without buckets."""
        return self._connection.call(calls.all_histograms(self.address, period))

    def metrics(self) -> str:
        """The counters as OpenMetrics text."""
        return self._connection.call(calls.metrics(self.address))

    # Interrupts: the role observe.

    def subscribe(self, device: str, capacity: int = 1024) -> Ring:
        """Every dispatch of a device from now on, through shared memory that holds `capacity` records, 16 to 65,536."""
        connection = self._new_connection()
        try:
            return Ring(device, connection.call(calls.subscribe(device, capacity)), connection)
        except BaseException:
            connection.close()
            raise

    def events(self, device: str) -> Stream[InterruptSummary]:
        """A device's interrupts from now on, merged when they come faster than you read."""
        return self._stream(calls.events(device))

    def _stream(self, call: Call[T]) -> Stream[T]:
        connection = self._new_connection()
        try:
            connection.start(call)
        except BaseException:
            connection.close()
            raise
        return Stream(call, connection)

    # Registers and attachments: the role control.

    def transact(self, device: str, operations: Sequence[Operation]) -> tuple[int, ...]:
        """Runs the operations as one synchronized routine: no service routine and no other transaction runs in between.
        Every operation is checked before the first touches a register. A result for each."""
        return self._connection.call(calls.transact(device, operations))

    def attach(self, device: str, deadline: float | None = None) -> AttachedDevice:
        """Takes over a device: each interrupt then waits, with the line masked, until you complete it, within
        `deadline` seconds; None takes the daemon's AttachDeadlineSec=."""
        call = calls.attach(device, deadline)
        connection = self._new_connection()
        try:
            return AttachedDevice(device, connection.call(call), connection)
        except BaseException:
            connection.close()
            raise

    # What the daemon services: the role control; admin where it says so.

    def connect(self, device: str, persistent: bool = False) -> None:
        """Services a device as its file says; unless persistent, until this client is closed."""
        self._connection.call(calls.connect(device, persistent))

    def disconnect(self, device: str) -> None:
        """Masks the line and stops servicing it, also after a reload or a return of the device."""
        self._connection.call(calls.disconnect(device))

    def trigger(self, device: str, count: int = 1) -> None:
        """Raises interrupts of a software line or of a connected vector of vfio-pci."""
        self._connection.call(calls.trigger(device, count))

    def set_mode(self, device: str, mode: str) -> None:
        """`normal`, `all` or `repeat`, until the next reload."""
        self._connection.call(calls.set_mode(device, mode))

    def set_policy(self, device: str, policy: str, priority: int | None = None) -> None:
        """`other`, or `fifo` or `rr` with a priority of 1 to 99, until the next reload."""
        self._connection.call(calls.set_policy(device, policy, priority))

    def reset_histograms(self, device: str) -> None:
        """Begins the period `reset` of a line's histograms."""
        self._connection.call(calls.reset_histograms(device))

    def reload(self) -> None:
        """Makes the daemon read its configuration again. The role admin."""
        self._connection.call(calls.reload(self.address))

    def adopt(self, device: str, node: int | None = None, configuration: int | None = None) -> None:
        """Hands over a device that the daemon may not open: its node and, of a PCI function, its configuration space,
        which stay yours to close. With no `node` this process opens both. The role admin."""
        if node is not None:
            files = (node,) if configuration is None else (node, configuration)
            self._connection.call(calls.adopt(device, files))
            return
        with opened(device, self.device(device)) as files:
            self._connection.call(calls.adopt(device, files))


class Stream(Generic[T]):
    """The replies of a method that sends more than one. Iterate over it, or take one after the other with `next`."""

    def __init__(self, call: Call[T], connection: Connection) -> None:
        self._call = call
        self._connection = connection
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def __iter__(self) -> Iterator[T]:
        while (value := self.next()) is not None:
            yield value

    def next(self, timeout: float | None = None) -> T | None:
        """Waits for a reply; None once the daemon has ended the stream. After `TimedOut` you may call it again."""
        if self._is_over:
            return None
        message = self._connection.receive(self._call.subject, timeout)
        self._is_over = not message.continues
        return item(self._call, message)


class AttachedDevice:
    """A device that this program services instead of the daemon. Closing it hands the device back."""

    def __init__(self, device: str, event: int, connection: Connection) -> None:
        #: The name that you attached it by.
        self.device = device
        self._event = event_socket(event, Subject(device, "attach"))
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._event.close()
        self._connection.close()

    def fileno(self) -> int:
        """Readable when an interrupt is pending: for a selector of your own. Then call `wait`."""
        return self._event.fileno()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for an interrupt; the line is then masked until `complete`. False if none came in time. True also when
        the attachment has ended: `complete` then raises `NotAttached`."""
        subject = Subject(self.device, "wait for an interrupt")
        if self._event.fileno() < 0:
            raise Disconnected(subject, "this attachment was closed", "attach the device again")
        outcome = self._connection.wait_for(self._event, Deadline(timeout))
        if outcome is Outcome.HUNG_UP and self._connection.has_hung_up:
            raise hung_up(subject)
        return outcome is not Outcome.TIMED_OUT

    def transact(self, operations: Sequence[Operation]) -> tuple[int, ...]:
        """As `Client.transact`."""
        return self._connection.call(calls.transact(self.device, operations))

    def complete(self, claimed: bool = True) -> int:
        """Says that you have serviced the interrupt, and unmasks the line. The interrupts since the last completion."""
        return self._connection.call(calls.complete(self.device, claimed))

    def detach(self) -> None:
        """Hands the device back to the daemon."""
        self._connection.call(calls.detach(self.device))


def hung_up(subject: Subject) -> Disconnected:
    return Disconnected(
        subject, "the daemon closed the connection, which ended the attachment",
        "systemctl status interruptsyncd shows why; then attach the device again")
