"""The ring's memory without a daemon: the order of accesses, a writer that runs beside the reader, and the kernel's
barrier."""
import fcntl
import mmap
import os
import random
import struct
import threading

import pytest

import interruptsync
from interruptsync import barrier, memory
from interruptsync.errors import Subject

SUBJECT = Subject("soft", "subscribe")
WRITTEN, READ, ENDED, ASLEEP = 64, 128, 80, 136


class Writer:
    """The other side of a ring, as the daemon's observers' thread is."""

    def __init__(self, capacity=16):
        self.capacity, self.written, self.dropped = capacity, 0, 0
        size = memory.ENTRIES + memory.RECORD.size * capacity
        self.file = os.memfd_create("ring", os.MFD_ALLOW_SEALING)
        os.ftruncate(self.file, size)
        fcntl.fcntl(self.file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self.map = mmap.mmap(self.file, size)
        struct.pack_into("=QIIQ", self.map, 0, memory.MAGIC, memory.VERSION, memory.RECORD.size, capacity)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.map.close()
        os.close(self.file)

    def word(self, place):
        return struct.unpack_from("=Q", self.map, place)[0]

    def put(self, place, value):
        view = memoryview(self.map)[:memory.ENTRIES].cast("Q")
        view[place // 8] = value
        view.release()

    def write(self):
        """One record, whose every word is its number; or one more dropped."""
        if self.written - self.word(READ) >= self.capacity:
            self.dropped += 1
            return False
        number = self.written + 1
        place = memory.ENTRIES + self.written % self.capacity * memory.RECORD.size
        memory.RECORD.pack_into(self.map, place, *[number] * 4, 1, 8, *[number] * 8)
        self.written = number
        self.put(WRITTEN, number)
        return True


class Traced:
    """A memoryview that notes what is loaded and stored, in order."""

    def __init__(self, view, size, trace):
        self.view, self.size, self.trace = view, size, trace

    def __getitem__(self, index):
        where = "records" if isinstance(index, slice) else index * self.size
        self.trace.append(("load", where))
        return self.view[index]

    def __setitem__(self, index, value):
        self.trace.append(("store", index * self.size))
        self.view[index] = value

    def release(self):
        self.view.release()


@pytest.fixture
def traced():
    """A writer, a reader, and the reader's accesses and barriers in order."""
    trace = []
    with Writer() as writer:
        reader = memory.RingMemory(writer.file, SUBJECT, lambda: trace.append(("barrier", None)))
        reader._page = Traced(reader._page, 1, trace)
        reader._words = Traced(reader._words, 8, trace)
        reader._halves = Traced(reader._halves, 4, trace)
        yield writer, reader, trace
        reader.close()


BARRIER = ("barrier", None)


def test_records_are_copied_between_two_barriers(traced):
    writer, reader, trace = traced
    for _ in range(3):
        writer.write()
    assert len(reader.take(16)) == 3 * memory.RECORD.size
    assert [entry for entry in trace if entry != ("load", "records")] == [
        ("load", WRITTEN), BARRIER, BARRIER, ("store", READ)]
    places = [index for index, entry in enumerate(trace) if entry == ("load", "records")]
    barriers = [index for index, entry in enumerate(trace) if entry == BARRIER]
    assert places and barriers[0] < places[0] and places[-1] < barriers[1], trace


def test_an_empty_ring_costs_one_load(traced):
    _, reader, trace = traced
    assert reader.take(16) == b"" and trace == [("load", WRITTEN)]


def test_a_barrier_is_between_the_flag_and_the_second_look(traced):
    writer, reader, trace = traced
    assert reader.sleep()
    assert trace[:3] == [("store", ASLEEP), BARRIER, ("load", WRITTEN)]
    assert writer.word(ASLEEP) & 0xFFFFFFFF == 1
    writer.write()
    assert not reader.sleep()


def test_a_barrier_is_between_the_end_and_the_last_records(traced):
    writer, reader, trace = traced
    assert not reader.has_ended and trace == [("load", ENDED)]
    writer.put(ENDED, 1)
    assert reader.has_ended and trace[-2:] == [("load", ENDED), BARRIER]
    assert not reader.sleep()


def test_a_writer_beside_the_reader_tears_no_record():
    """Every word of a record is its number: a record that was taken too early or freed too early has two."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    count = 20_000
    with Writer(64) as writer:
        reader = memory.RingMemory(writer.file, SUBJECT)

        def write():
            while writer.written < count:
                writer.write()

        thread = threading.Thread(target=write)
        thread.start()
        expected = 1
        while expected <= count:
            for fields in memory.RECORD.iter_unpack(reader.take(chance.randrange(1, 80))):
                assert set(fields[:4] + fields[6:]) == {expected}, (seed, fields)
                expected += 1
        thread.join()
        reader.close()


def test_positions_pass_the_end_of_64_bits():
    with Writer() as writer:
        start = 2**64 - 3
        writer.put(WRITTEN, start)
        writer.put(READ, start)
        reader = memory.RingMemory(writer.file, SUBJECT)
        for number in range(6):
            place = memory.ENTRIES + (start + number) % 2**64 % 16 * memory.RECORD.size
            memory.RECORD.pack_into(writer.map, place, number, *[0] * 13)
        writer.put(WRITTEN, 3)
        assert [fields[0] for fields in memory.RECORD.iter_unpack(reader.take(16))] == list(range(6))
        assert writer.word(READ) == 3
        reader.close()


def test_captures_are_named_fields_of_an_array():
    data = memory.RECORD.pack(1, 2, 3, 4, 1, 2, 50, 60, *[0] * 6)
    array = interruptsync.arrays.array(data, ("status", "time_ns"), SUBJECT)
    assert array["status"][0] == 50 and list(array["captured"][0]) == [50, 60]
    # A register that has a field's name is in `captured` alone.
    assert array["time_ns"][0] == 3 and array.dtype.itemsize == memory.RECORD.size
    record = next(memory.records(data, 2))
    assert record.captured == (50, 60) and record.time_ns == 3


def test_the_kernel_gives_the_barrier():
    assert barrier.barrier(SUBJECT) is barrier.barrier(SUBJECT)
    assert barrier.Barrier(SUBJECT)() is None


def test_a_system_without_the_barrier_is_told_what_to_use(monkeypatch):
    monkeypatch.setattr(barrier, "_CALLS", {})
    with pytest.raises(interruptsync.Unsupported) as caught:
        barrier.Barrier(SUBJECT)
    assert "events()" in caught.value.hint


def test_a_process_that_may_not_call_it_is_told_what_to_use(monkeypatch):
    # A number that no kernel has: as behind a filter of system calls.
    monkeypatch.setattr(barrier, "_CALLS", {os.uname().machine: 100_000})
    with pytest.raises(interruptsync.Unsupported, match="refuses membarrier") as caught:
        barrier.Barrier(SUBJECT)
    assert caught.value.errno == 38 and "events()" in caught.value.hint
