"""edu.py DEVICE COUNT: raises interrupts of QEMU's edu one after the other and follows them, in both forms of client.

The device's file captures the status, which holds the value that raised the interrupt. In guests.
"""
import asyncio
import sys

import interruptsync

RAISE = "bar0:0x60/32"
PATIENCE = 60


def waiting(device, count):
    """Every record has the value of its interrupt, and the totals have no gap."""
    with interruptsync.Client(timeout=PATIENCE) as client, client.subscribe(device) as ring:
        first = client.statistics(device).interrupts
        for number in range(1, count + 1):
            client.transact(device, [interruptsync.write(RAISE, number)])
            record = ring.next(PATIENCE)
            assert (record.total, record.captured, record.claimed) == (first + number, (number,), True), record
        assert ring.take() == [] and ring.dropped == 0


async def awaiting(device, count):
    """The same, while tasks follow the device's changes and its summaries."""
    async with (
            await interruptsync.AsyncClient.open(timeout=PATIENCE) as client, await client.subscribe(device) as ring,
            await client.watch_devices() as changes, await client.events(device) as events):
        await changes.next(PATIENCE)
        extra = await begun(client, device, ring, events)
        total = asyncio.create_task(summed(events, count))
        first = (await client.statistics(device)).interrupts
        for number in range(1, count + 1):
            await client.transact(device, [interruptsync.write(RAISE, number)])
            record = await ring.next(PATIENCE)
            assert (record.total, record.captured) == (first + number, (number,)), record
        assert count <= await asyncio.wait_for(total, PATIENCE) <= count + extra
        await client.set_mode(device, "all")
        while (await changes.next(PATIENCE)).devices[0].mode != "all":
            pass
        await client.set_mode(device, "normal")


async def begun(client, device, ring, events):
    """Raises interrupts until the stream brings them: nothing else tells when it has begun. How many were raised."""
    for number in range(1, 1000):
        await client.transact(device, [interruptsync.write(RAISE, 1)])
        await ring.next(PATIENCE)
        try:
            await events.next(0.2)
            return number
        except interruptsync.TimedOut:
            continue
    raise AssertionError("the stream did not begin")


async def summed(events, count):
    """Interrupts of the summaries, once they are as many as were raised."""
    total = 0
    async for summary in events:
        total += summary.interrupts
        if total >= count:
            return total
    raise AssertionError("the stream ended")


def main():
    device, count = sys.argv[1], int(sys.argv[2])
    waiting(device, count)
    asyncio.run(awaiting(device, count))
    print(f"{count} interrupts in each form")


if __name__ == "__main__":
    main()
