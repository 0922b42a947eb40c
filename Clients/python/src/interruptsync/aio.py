"""The daemon's interface for asyncio. It has the methods of `Client`, which await their answers. Streams, rings and
attachments have their own connections, and end when you close them."""
from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Generic, Self, TypeVar

from . import address as addresses
from . import calls
from .adoption import opened
from .aio_connection import AsyncConnection
from .aio_ring import AsyncRing
from .calls import Call
from .client import TIMEOUT, hung_up
from .connection import Deadline, Outcome, item
from .errors import Disconnected, Subject
from .model import Device, DeviceChange, DeviceHistograms, InterruptSummary, Statistics
from .registers import Operation
from .ring import event_socket

T = TypeVar("T")


class AsyncClient:
    """A connection to interruptsyncd: `async with await AsyncClient.open() as client`.

    Everything that a client registers ends with its connection unless it is persistent.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, address: str | None = None, timeout: float | None = TIMEOUT) -> Self:
        """Connects, as `Client` does."""
        return cls(await AsyncConnection.open(address or addresses.default(), timeout))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        return self._connection.address

    def close(self) -> None:
        """Ends the connection. Streams, rings and attachments go on."""
        self._connection.close()

    async def _new_connection(self) -> AsyncConnection:
        return await AsyncConnection.open(self.address, self._connection.timeout)

    # Devices, statistics, metrics: the role observe.

    async def devices(self) -> tuple[Device, ...]:
        """Every device that you may observe, in no defined order."""
        return await self._connection.call(calls.list_devices(self.address))

    async def device(self, device: str) -> Device:
        """One device."""
        return await self._connection.call(calls.describe(device))

    async def watch_devices(self) -> AsyncStream[DeviceChange]:
        """All devices first, then every change."""
        return await self._stream(calls.watch(self.address))

    async def statistics(self, device: str) -> Statistics:
        """The counters of one line."""
        return await self._connection.call(calls.statistics(device))

    async def all_statistics(self) -> tuple[Statistics, ...]:
        """The counters of every line."""
        return await self._connection.call(calls.all_statistics(self.address))

    async def histograms(self, device: str, period: str = "start") -> DeviceHistograms:
        """Times of one line, with buckets: since the daemon began to service it with its present settings (`start`),
        since the last `reset_histograms` (`reset`), or of the last whole 10 seconds (`window`)."""
        return await self._connection.call(calls.histograms(device, period))

    async def all_histograms(self, period: str = "start") -> tuple[DeviceHistograms, ...]:
        """Times of every line, without buckets."""
        return await self._connection.call(calls.all_histograms(self.address, period))

    async def metrics(self) -> str:
        """The counters as OpenMetrics text."""
        return await self._connection.call(calls.metrics(self.address))

    # Interrupts: the role observe.

    async def subscribe(self, device: str, capacity: int = 1024) -> AsyncRing:
        """Every dispatch of a device from now on, through shared memory that holds `capacity` records, 16 to 65,536."""
        connection = await self._new_connection()
        try:
            return AsyncRing(device, await connection.call(calls.subscribe(device, capacity)), connection)
        except BaseException:
            connection.close()
            raise

    async def events(self, device: str) -> AsyncStream[InterruptSummary]:
        """A device's interrupts from now on, merged when they come faster than you read."""
        return await self._stream(calls.events(device))

    async def _stream(self, call: Call[T]) -> AsyncStream[T]:
        connection = await self._new_connection()
        try:
            await connection.start(call)
        except BaseException:
            connection.close()
            raise
        return AsyncStream(call, connection)

    # Registers and attachments: the role control.

    async def transact(self, device: str, operations: Sequence[Operation]) -> tuple[int, ...]:
        """Runs the operations as one synchronized routine: no service routine and no other transaction runs in between.
        Every operation is checked before the first touches a register. A result for each."""
        return await self._connection.call(calls.transact(device, operations))

    async def attach(self, device: str, deadline: float | None = None) -> AsyncAttachedDevice:
        """Takes over a device: each interrupt then waits, with the line masked, until you complete it, within
        `deadline` seconds; None takes the daemon's AttachDeadlineSec=."""
        call = calls.attach(device, deadline)
        connection = await self._new_connection()
        try:
            return AsyncAttachedDevice(device, await connection.call(call), connection)
        except BaseException:
            connection.close()
            raise

    # What the daemon services: the role control; admin where it says so.

    async def connect(self, device: str, persistent: bool = False) -> None:
        """Services a device as its file says; unless persistent, until this client is closed."""
        await self._connection.call(calls.connect(device, persistent))

    async def disconnect(self, device: str) -> None:
        """Masks the line and stops servicing it, also after a reload or a return of the device."""
        await self._connection.call(calls.disconnect(device))

    async def trigger(self, device: str, count: int = 1) -> None:
        """Raises interrupts of a software line or of a connected vector of vfio-pci."""
        await self._connection.call(calls.trigger(device, count))

    async def set_mode(self, device: str, mode: str) -> None:
        """`normal`, `all` or `repeat`, until the next reload."""
        await self._connection.call(calls.set_mode(device, mode))

    async def set_policy(self, device: str, policy: str, priority: int | None = None) -> None:
        """`other`, or `fifo` or `rr` with a priority of 1 to 99, until the next reload."""
        await self._connection.call(calls.set_policy(device, policy, priority))

    async def reset_histograms(self, device: str) -> None:
        """Begins the period `reset` of a line's histograms."""
        await self._connection.call(calls.reset_histograms(device))

    async def reload(self) -> None:
        """Makes the daemon read its configuration again. The role admin."""
        await self._connection.call(calls.reload(self.address))

    async def adopt(self, device: str, node: int | None = None, configuration: int | None = None) -> None:
        """Hands over a device that the daemon may not open, as `Client.adopt`. The role admin."""
        if node is not None:
            files = (node,) if configuration is None else (node, configuration)
            await self._connection.call(calls.adopt(device, files))
            return
        with opened(device, await self.device(device)) as files:
            await self._connection.call(calls.adopt(device, files))


class AsyncStream(Generic[T]):
    """The replies of a method that sends more than one. Iterate over it, or take one after the other with `next`."""

    def __init__(self, call: Call[T], connection: AsyncConnection) -> None:
        self._call = call
        self._connection = connection
        self._is_over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    async def __aiter__(self) -> AsyncIterator[T]:
        while (value := await self.next()) is not None:
            yield value

    async def next(self, timeout: float | None = None) -> T | None:
        """Waits for a reply; None once the daemon has ended the stream. After `TimedOut` you may call it again."""
        if self._is_over:
            return None
        message = await self._connection.receive(self._call.subject, timeout)
        self._is_over = not message.continues
        return item(self._call, message)


class AsyncAttachedDevice:
    """A device that this program services instead of the daemon. Closing it hands the device back."""

    def __init__(self, device: str, event: int, connection: AsyncConnection) -> None:
        #: The name that you attached it by.
        self.device = device
        self._event = event_socket(event, Subject(device, "attach"))
        self._connection = connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        # It withdraws the event from the loop.
        self._connection.close()
        self._event.close()

    async def wait(self, timeout: float | None = None) -> bool:
        """Waits for an interrupt, as `AttachedDevice.wait`."""
        subject = Subject(self.device, "wait for an interrupt")
        if self._event.fileno() < 0:
            raise Disconnected(subject, "this attachment was closed", "attach the device again")
        outcome = await self._connection.wait_for(self._event, Deadline(timeout))
        if outcome is Outcome.HUNG_UP and self._connection.has_hung_up:
            raise hung_up(subject)
        return outcome is not Outcome.TIMED_OUT

    async def transact(self, operations: Sequence[Operation]) -> tuple[int, ...]:
        """As `AsyncClient.transact`."""
        return await self._connection.call(calls.transact(self.device, operations))

    async def complete(self, claimed: bool = True) -> int:
        """Says that you have serviced the interrupt, and unmasks the line. The interrupts since the last completion."""
        return await self._connection.call(calls.complete(self.device, claimed))

    async def detach(self) -> None:
        """Hands the device back to the daemon."""
        await self._connection.call(calls.detach(self.device))
