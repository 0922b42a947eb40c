"""The daemon ends, is killed or is restarted in the middle, in both forms; and calls that another task disturbs."""
import asyncio
import signal
import threading

import pytest
from daemon import Daemon, eventually

import interruptsync

PATIENCE = 60


class Restarted(Daemon):
    """A daemon that can be ended and started again at the same address."""

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = self.launch(log)
        eventually("the daemon listens again", self.listens)


@pytest.fixture
def daemon(no_descriptor_is_left):
    with Restarted() as running:
        yield running
        if running.process.poll() is not None:
            running.start()


@pytest.fixture(params=[signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def how(request):
    return request.param


def disconnected(body, *arguments):
    with pytest.raises(interruptsync.Disconnected) as caught:
        body(*arguments)
    assert caught.value.hint, caught.value


def test_calls_after_the_daemons_end_are_disconnected(daemon, client, how):
    assert client.device("soft").id == "soft"
    daemon.end(how)
    disconnected(client.device, "soft")
    disconnected(client.device, "soft")


def test_a_ring_that_waits_ends_with_the_daemon(daemon, client, how):
    with client.subscribe("soft") as ring:
        client.trigger("soft", 5)
        eventually("five interrupts", lambda: client.statistics("soft").interrupts == 5)
        ender = threading.Timer(0.2, daemon.end, [how])
        ender.start()
        # What the daemon wrote before is given out; then the ring is over.
        assert sum(record.interrupts for record in ring) == 5
        ender.join()
        assert ring.has_ended and ring.next(PATIENCE) is None


def test_streams_that_wait_end_with_the_daemon(daemon, client, how):
    with client.watch_devices() as changes, client.events("soft") as events:
        assert changes.next(PATIENCE).devices
        ender = threading.Timer(0.2, daemon.end, [how])
        ender.start()
        disconnected(lambda: [changes.next(PATIENCE) for _ in range(100)])
        disconnected(lambda: [events.next(PATIENCE) for _ in range(100)])
        ender.join()


def test_an_attachment_that_waits_ends_with_the_daemon(daemon, client, how):
    with client.attach("soft") as attached:
        ender = threading.Timer(0.2, daemon.end, [how])
        ender.start()
        disconnected(lambda: [attached.wait(PATIENCE) for _ in range(100)])
        ender.join()
        disconnected(attached.complete)


def test_everything_is_made_again_after_a_restart(daemon, client, connect, how):
    ring = client.subscribe("soft")
    for _ in range(3):
        daemon.end(how)
        assert ring.next(PATIENCE) is None
        ring.close()
        daemon.start()
        client = connect(daemon.path)
        ring = client.subscribe("soft")
        client.trigger("soft")
        assert ring.next(PATIENCE).total == 1
    ring.close()


def test_a_daemon_that_does_not_answer_is_timed_out(daemon, connect):
    client = connect(daemon.path, 0.2)
    client.device("soft")
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(interruptsync.TimedOut) as caught:
            client.device("soft")
        assert caught.value.hint
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    # The answer may still come: it must not be taken for that of another call.
    disconnected(client.statistics, "soft")


def test_a_queue_without_room_is_timed_out(connect, tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(tmp_path / "socket"))
            with pytest.raises(interruptsync.TimedOut):
                connect(str(tmp_path / "socket"), 0.1)


def test_calls_of_many_threads_follow_one_another(daemon):
    with interruptsync.Client(daemon.path) as client:
        wrong = []

        def ask(number):
            for _ in range(50):
                if number % 2 and client.device("soft").id != "soft":
                    wrong.append("device")
                if not number % 2 and client.statistics("soft").id != "soft":
                    wrong.append("statistics")

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_calls_of_many_tasks_follow_one_another(daemon):
    async def ask():
        async with await interruptsync.AsyncClient.open(daemon.path) as client:
            both = [client.device("soft"), client.statistics("soft")]
            for _ in range(20):
                both += [client.device("soft"), client.statistics("soft")]
            assert {answer.id for answer in await asyncio.gather(*both)} == {"soft"}

    asyncio.run(ask(), debug=True)


def test_tasks_wait_side_by_side(daemon):
    """Two rings, a stream and an attachment's wait in one loop, and calls meanwhile."""
    async def work():
        async with await interruptsync.AsyncClient.open(daemon.path) as client:
            async with (await client.subscribe("soft") as one, await client.subscribe("soft") as other,
                        await client.watch_devices() as changes):
                waiting = [asyncio.create_task(ring.next(PATIENCE)) for ring in (one, other)]
                assert (await changes.next(PATIENCE)).devices
                change = asyncio.create_task(changes.next(PATIENCE))
                await client.trigger("soft")
                assert [(await task).total for task in waiting] == [1, 1]
                await client.set_mode("soft", "all")
                assert (await change).devices[0].mode == "all"

    asyncio.run(work(), debug=True)


def test_a_wait_that_is_cancelled_can_be_made_again(daemon):
    async def work():
        async with await interruptsync.AsyncClient.open(daemon.path) as client:
            async with await client.subscribe("soft") as ring, await client.watch_devices() as changes:
                await changes.next(PATIENCE)
                for wait in (ring.next, changes.next):
                    task = asyncio.create_task(wait())
                    await asyncio.sleep(0)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                await client.trigger("soft")
                assert (await ring.next(PATIENCE)).total == 1
                await client.set_mode("soft", "all")
                assert (await changes.next(PATIENCE)).devices[0].mode == "all"

    asyncio.run(work(), debug=True)


def test_a_call_that_is_cancelled_spends_its_connection(daemon):
    async def work():
        async with await interruptsync.AsyncClient.open(daemon.path) as client:
            daemon.process.send_signal(signal.SIGSTOP)
            try:
                task = asyncio.create_task(client.device("soft"))
                await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            finally:
                daemon.process.send_signal(signal.SIGCONT)
            with pytest.raises(interruptsync.Disconnected, match="make a new connection"):
                await client.statistics("soft")

    asyncio.run(work(), debug=True)


def test_a_close_ends_the_waits_of_other_tasks(daemon):
    async def work():
        async with await interruptsync.AsyncClient.open(daemon.path) as client:
            ring, changes, attached = (
                await client.subscribe("soft"), await client.watch_devices(), await client.attach("soft"))
            await changes.next(PATIENCE)
            tasks = [asyncio.create_task(wait()) for wait in (ring.next, attached.wait)]
            await asyncio.sleep(0.01)
            for closed in (ring, attached, changes):
                closed.close()
            for task in tasks:
                with pytest.raises(interruptsync.Disconnected):
                    await task
            with pytest.raises(interruptsync.Disconnected):
                await changes.next()

    asyncio.run(work(), debug=True)
