"""Interrupts as streams, records and arrays, from the real daemon, in both forms."""
import threading

import numpy
import pytest
from daemon import Daemon, eventually

import interruptsync

PATIENCE = 60


def test_a_ring_brings_every_dispatch_in_order(client):
    with client.subscribe("soft") as ring:
        assert ring.captures == () and ring.capacity == 1024 and not ring.has_ended
        records = []
        for number in range(1, 201):
            client.trigger("soft")
            records.append(ring.next(PATIENCE))
        assert [record.total for record in records] == list(range(1, 201))
        assert [record.interrupts for record in records] == [1] * 200 and all(record.claimed for record in records)
        times = [record.time_ns for record in records]
        assert times == sorted(times) and times[0] > 0
        assert ring.take() == [] and ring.dropped == 0


def test_a_ring_sleeps_and_is_woken_each_time(daemon, client):
    """Each record comes while the reader sleeps or is about to: a lost wake-up would be a wait without an end."""
    line = interruptsync.Client(daemon.path)
    turn = threading.Semaphore(0)

    def raise_each():
        for _ in range(2000):
            turn.acquire()
            line.trigger("soft")

    thread = threading.Thread(target=raise_each)
    thread.start()
    with client.subscribe("soft") as ring:
        total = 0
        for _ in range(2000):
            turn.release()
            total += ring.next(PATIENCE).interrupts
    thread.join()
    line.close()
    assert total == 2000


def test_a_ring_is_iterated_until_it_ends(daemon, client):
    with client.subscribe("soft") as ring:
        client.trigger("soft")
        ring.next(PATIENCE)
        client.trigger("soft")
        client.trigger("soft")
        eventually("three interrupts", lambda: client.statistics("soft").interrupts == 3)
        daemon.write("devices/10-soft.device", "[Match]\nSoftwareLine=other\n")
        client.reload()
        eventually("the ring's end", lambda: ring.has_ended)
        # Records from before the end are still in it.
        assert sum(record.interrupts for record in ring) == 2
        assert ring.next(PATIENCE) is None
        assert len(ring.collect(5, PATIENCE)) == 0


def test_a_full_ring_drops_and_counts(client):
    with client.subscribe("soft", capacity=16) as ring:
        for number in range(1, 41):
            client.trigger("soft")
            eventually("each is a dispatch of its own", lambda: client.statistics("soft").interrupts == number)
        eventually("all were offered", lambda: ring.dropped == 24)
        assert [record.total for record in ring.take()] == list(range(1, 17))
        client.trigger("soft")
        record = ring.next(PATIENCE)
        # The total says what the reader missed.
        assert (record.total, record.dropped) == (41, 24)


def test_records_wrap_around_the_ring(client):
    with client.subscribe("soft", capacity=16) as ring:
        totals = []
        for number in range(1, 101):
            client.trigger("soft")
            if number % 7 == 0:
                eventually("the records", lambda: client.statistics("soft").interrupts == number)
                while not totals or totals[-1] < number:
                    totals.append(ring.next(PATIENCE).total)
        assert totals[-1] == 98 and totals == sorted(set(totals)) and ring.dropped == 0


def test_a_ring_without_interrupts_times_out_and_goes_on(client):
    with client.subscribe("soft") as ring:
        with pytest.raises(interruptsync.TimedOut) as caught:
            ring.next(0.01)
        assert caught.value.hint and isinstance(caught.value, TimeoutError)
        client.trigger("soft")
        assert ring.next(PATIENCE).total == 1


def test_records_are_a_structured_array(client):
    with client.subscribe("soft") as ring:
        assert len(ring.take_array()) == 0
        client.trigger("soft")
        first = ring.collect(1, PATIENCE)
        assert first.dtype.names == ("interrupts", "total", "time_ns", "dropped", "claimed")
        for _ in range(99):
            client.trigger("soft")
        rest = numpy.concatenate([ring.collect(1, PATIENCE)])
        while rest["total"][-1] < 100:
            rest = numpy.concatenate([rest, ring.collect(1, PATIENCE)])
        records = numpy.concatenate([first, rest])
        assert records["interrupts"].sum() == 100
        assert (numpy.diff(records["total"]) == records["interrupts"][1:]).all()
        assert (numpy.diff(records["time_ns"]) > 0).all() and records["claimed"].all()
        # The caller's own: it can be written, and stays when the ring is closed.
        records["dropped"] = 7
        # Fewer when the time is over.
        assert len(ring.collect(5, 0.01)) == 0
    assert first["total"][0] == 1


def test_records_and_arrays_are_taken_from_one_ring(client):
    """`next` reads ahead: what it has read is given out first."""
    with client.subscribe("soft") as ring:
        for number in range(1, 11):
            client.trigger("soft")
            eventually("each is a dispatch", lambda: client.statistics("soft").interrupts == number)
        assert ring.next(PATIENCE).total == 1
        assert list(ring.collect(4, PATIENCE)["total"]) == [2, 3, 4, 5]
        assert ring.next(PATIENCE).total == 6
        assert [record.total for record in ring.take()] == [7, 8, 9, 10]


def test_events_come_merged(client):
    def first_of(events):
        """The stream begins when the daemon has read the call, which nothing tells."""
        client.trigger("soft")
        try:
            return events.next(0.1)
        except interruptsync.TimedOut:
            return None

    with client.events("soft") as events:
        first = eventually("an event", lambda: first_of(events))
        assert (first.interrupts, first.dispatches, first.coalesced) == (1, 1, 0)
        assert first.claimed and dict(first.captured) == {} and first.time_ns > 0
        for _ in range(50):
            client.trigger("soft", 2)
        total = 0
        for summary in events:
            total += summary.interrupts
            if total == 100:
                break
        with pytest.raises(interruptsync.TimedOut):
            events.next(0.01)


def test_events_of_no_device_fail_with_the_first(client):
    with client.events("none") as events:
        with pytest.raises(interruptsync.NoSuchDevice):
            events.next(PATIENCE)
        assert events.next(PATIENCE) is None


def test_registrations_have_a_limit(connect):
    with Daemon(settings="SubscriptionsPerUserMax=2") as daemon:
        client = connect(daemon.path)
        with client.subscribe("soft"), client.subscribe("soft"):
            with pytest.raises(interruptsync.TooManyRegistrations) as caught:
                client.subscribe("soft")
            assert "SubscriptionsPerUserMax=" in caught.value.hint
        client.close()


def test_a_closed_ring_says_so(client):
    ring = client.subscribe("soft")
    ring.close()
    ring.close()
    for body in (ring.next, ring.take, ring.take_array, lambda: ring.dropped, lambda: ring.has_ended):
        with pytest.raises(interruptsync.Disconnected, match="subscribe again"):
            body()
