"""Replies that are not as Varlink or the interface declare them, in both forms: each is a typed error that says what
to do, and no descriptor stays open."""
import fcntl
import json
import os
import resource
import socket
import struct

import pytest
from service import Service, is_introduction, reply

import interruptsync
from interruptsync.wire import MESSAGE_BYTES

DEVICE = {"id": "soft", "name": "software", "state": "connected", "routines": [], "regions": []}
STATISTICS = dict.fromkeys(
    ("interrupts", "dispatches", "coalesced", "claimed", "unclaimed", "passes", "rearmFailures", "storms",
     "synchronizedCalls", "longestHoldNanoseconds", "longestWaitNanoseconds"), 0) | {"id": "soft", "routines": []}
BUCKET = {"fromNanoseconds": 5, "toNanoseconds": 6, "count": 1}
HISTOGRAM = {"what": "wait", "count": 1, "sumNanoseconds": 5}
SUMMARY = {"interrupts": 1, "dispatches": 1, "timestampNanoseconds": 5, "claimed": True, "captured": {}, "coalesced": 0}


def raw(data):
    return lambda call: [(data, [])]


def violated(connect, answer, body, word=""):
    """The client says that the service violates the protocol, and with which word."""
    with Service(answer) as service:
        client = connect(service.path, 10)
        with pytest.raises(interruptsync.ProtocolViolation) as caught:
            body(client)
        assert caught.value.hint and word in caught.value.cause, caught.value
        client.close()


@pytest.mark.parametrize("data", [
    b"\0", b"{\0", b"garbage\0", b"[]\0", b"null\0", b'"text"\0', b"\xff\xfe\0", b'{"parameters":[]}\0',
    b'{"parameters":7}\0', b'{"error":7}\0', b'{"continues":"yes","parameters":{}}\0',
    b'{"parameters":{"text":NaN}}\0', b"[" * 100_000 + b"\0",
    b'{"parameters":{"text":' + b"9" * 10_000 + b"}}\0", b'{"parameters":{"text":"a"}}\0{"parameters":{"text":"b"}}\0',
    b'{"parameters":{"text":"a"},"continues":true}\0',
], ids=range(16))
def test_a_reply_that_is_none(connect, data):
    violated(connect, raw(data), lambda client: client.metrics())


def test_a_reply_without_an_end_is_bounded(connect):
    violated(connect, raw(b"x" * (MESSAGE_BYTES + 70_000)), lambda client: client.metrics(), "more than")


def test_a_reply_in_single_bytes_is_put_together(connect):
    text = reply({"text": "ü" * 50})
    with Service(lambda call: [(text[at:at + 1], []) for at in range(len(text))]) as service:
        client = connect(service.path)
        assert client.metrics() == "ü" * 50
        client.close()


def test_a_connection_that_ends_in_a_reply_is_disconnected(connect):
    with Service(lambda call: [(b'{"parameters"', []), None]) as service:
        client = connect(service.path)
        with pytest.raises(interruptsync.Disconnected) as caught:
            client.metrics()
        assert caught.value.hint
        client.close()


WRONG = [None, 7, -1, 2**64, 1.5, True, "text", [], {}, [None], ["text"], [7], {"device": 1}, [{}]]


def mutations(value, texts):
    """Every member of a reply, missing and with each value that its type does not allow. `texts` are lists of texts."""
    for key in value:
        yield {name: member for name, member in value.items() if name != key}
        for wrong in WRONG:
            if not is_allowed(value[key], wrong, key in texts):
                yield {**value, key: wrong}


def is_allowed(value, wrong, is_texts):
    if isinstance(value, bool) or isinstance(wrong, bool):
        return isinstance(value, bool) and isinstance(wrong, bool)
    if isinstance(value, int):
        return isinstance(wrong, int) and 0 <= wrong < 2**64
    if isinstance(value, str):
        return isinstance(wrong, str)
    if isinstance(value, list):
        return wrong == [] or is_texts and wrong == ["text"]
    return wrong in ({}, {"device": 1})


CASES = [
    ("device", DEVICE, lambda value: {"device": value}, lambda client: client.device("soft")),
    ("statistics", STATISTICS, lambda value: {"statistics": [value]}, lambda client: client.statistics("soft")),
    ("events", SUMMARY, lambda value: value, lambda client: next_of(client.events("soft"))),
    ("histogram", HISTOGRAM, lambda value: {"devices": [{"id": "soft", "histograms": [value]}]},
     lambda client: client.histograms("soft")),
    ("bucket", BUCKET, lambda value: {"devices": [{"id": "soft", "histograms": [HISTOGRAM | {"buckets": [value]}]}]},
     lambda client: client.histograms("soft")),
    ("histograms", {"id": "soft", "histograms": []}, lambda value: {"devices": [value]},
     lambda client: client.all_histograms()),
    ("devices", {"devices": [DEVICE]}, lambda value: value, lambda client: client.devices()),
    ("watch", {"event": "added", "devices": []}, lambda value: value, lambda client: next_of(client.watch_devices())),
    ("results", {"results": []}, lambda value: value, lambda client: client.transact("soft", [])),
    ("text", {"text": "a"}, lambda value: value, lambda client: client.metrics()),
]


def next_of(stream):
    with stream:
        return stream.next(10)


@pytest.mark.parametrize("name, value, wrap, body", CASES, ids=[case[0] for case in CASES])
def test_a_member_that_is_missing_or_of_another_type(connect, name, value, wrap, body):
    current = []
    with Service(lambda call: [(reply(wrap(current[-1])), [])]) as service:
        for wrong in mutations(value, {"routines"} if name == "device" else ()):
            current.append(wrong)
            client = connect(service.path, 10)
            with pytest.raises(interruptsync.ProtocolViolation):
                print(f"{json.dumps(wrong)} was taken for {body(client)}")
            client.close()
        assert len(current) > 5
        # Without a change the reply is taken.
        current.append(value)
        client = connect(service.path, 10)
        body(client)
        client.close()


def test_results_that_are_too_few_or_too_large(connect):
    for results in ([], [1, 2], [2**64], [-1], [1.0], [True]):
        violated(connect, raw(reply({"results": results})),
                 lambda client: client.transact("soft", [interruptsync.read("bar0:0/32")]), "results")


def test_a_state_of_a_later_version_is_unknown_and_other_members_are_ignored(connect):
    with Service(raw(reply({"device": DEVICE | {"state": "dreaming", "later": [1]}, "more": {}}))) as service:
        client = connect(service.path)
        assert client.device("soft").state is interruptsync.State.UNKNOWN
        client.close()


@pytest.mark.parametrize("error, parameters", [
    ("io.interruptsync.NoSuchDevice", {}), ("io.interruptsync.NoSuchDevice", {"message": 7, "hint": [], "code": {}}),
    ("io.interruptsync.WaitExpired", {"operation": "a", "results": "b"}), ("org.example.Other", {"message": "hello"}),
    ("io.interruptsync.ConfigurationRejected", {"diagnostics": [7, {"line": "x"}, {}]}), ("", {}),
    ("io.interruptsync.SystemFailure", {"errno": "x", "message": None}), ("org.varlink.service.MethodNotFound", {}),
    ("io.interruptsync.TooManyRegistrations", {"limit": 3}),
    ("org.varlink.service.InvalidParameter", {"parameter": "x"}),
])
def test_an_error_with_any_parameters_is_typed(connect, error, parameters):
    with Service(raw(reply(parameters, error=error))) as service:
        client = connect(service.path)
        with pytest.raises(interruptsync.InterruptSyncError) as caught:
            client.device("soft")
        assert caught.value.hint and caught.value.cause and str(caught.value), caught.value
        # The connection goes on.
        with pytest.raises(interruptsync.InterruptSyncError):
            client.device("soft")
        client.close()


def test_an_early_end_of_a_transaction_has_its_results(connect):
    with Service(raw(reply({"operation": 1, "results": [5, 2**63]}, error="io.interruptsync.WaitExpired"))) as service:
        client = connect(service.path)
        with pytest.raises(interruptsync.WaitExpired, match="operation 2") as caught:
            client.transact("soft", [interruptsync.read("bar0:0/32")] * 2)
        assert caught.value.results == (5, 2**63)
        client.close()


# Descriptors.

def memory(size=4096 + 104 * 16, seals=fcntl.F_SEAL_SHRINK, header=(0x676E697270757274, 1, 104, 16)):
    file = os.memfd_create("ring", os.MFD_ALLOW_SEALING)
    os.ftruncate(file, size)
    if size >= 24:
        os.pwrite(file, struct.pack("=QIIQ", *header), 0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
    return file


def wake():
    """One end of a pair; the other is closed."""
    one, other = socket.socketpair()
    other.close()
    return one.detach()


RINGS = {
    "not sealed": lambda: memory(seals=0),
    "too small": lambda: memory(size=4096),
    "empty": lambda: memory(size=0),
    "shorter than it says": lambda: memory(size=4096 + 104 * 15),
    "of another kind": lambda: memory(header=(1, 1, 104, 16)),
    "of another version": lambda: memory(header=(0x676E697270757274, 2, 104, 16)),
    "of other records": lambda: memory(header=(0x676E697270757274, 1, 96, 16)),
    "of no power of two": lambda: memory(header=(0x676E697270757274, 1, 104, 12)),
    "of none": lambda: memory(header=(0x676E697270757274, 1, 104, 0)),
    "of too many": lambda: memory(header=(0x676E697270757274, 1, 104, 1 << 63)),
    "a socket": wake,
    "a file": lambda: os.open("/dev/null", os.O_RDWR),
}
GOOD = {"ring": 0, "event": 1, "captures": []}


@pytest.mark.parametrize("kind", RINGS)
def test_memory_that_is_no_ring(connect, kind):
    violated(connect, lambda call: [(reply(GOOD), [RINGS[kind](), wake()])], lambda client: client.subscribe("soft"))


@pytest.mark.parametrize("parameters, files", [
    (GOOD, []), (GOOD, [memory]), ({**GOOD, "event": 0}, [memory, wake]), ({**GOOD, "ring": 7}, [memory, wake]),
    ({**GOOD, "ring": -1}, [memory, wake]), ({**GOOD, "event": True}, [memory, wake]),
    ({"ring": 0, "event": 1}, [memory, wake]),
    ({**GOOD, "captures": [7]}, [memory, wake]), (GOOD, [memory, lambda: os.open("/dev/null", os.O_RDWR)]),
], ids=range(9))
def test_descriptors_that_are_not_as_the_reply_says(connect, parameters, files):
    violated(connect, lambda call: [(reply(parameters), [make() for make in files])],
             lambda client: client.subscribe("soft"))


def test_a_ring_whose_writer_says_nonsense(connect):
    kept = []

    def answer(call):
        file = memory()
        kept.append(os.dup(file))
        return [(reply(GOOD), [file, wake()])]

    try:
        violated(connect, answer, lambda client: read_nonsense(client, kept), "17 records")
    finally:
        Service.close_all(kept)


def read_nonsense(client, kept):
    with client.subscribe("soft") as ring:
        os.pwrite(kept[0], struct.pack("=Q", 17), 64)
        ring.take()


def test_descriptors_that_no_one_asked_for_are_closed(connect):
    with Service(lambda call: [(reply({"text": "a"}), [wake() for _ in range(10)])]) as service:
        client = connect(service.path)
        assert [client.metrics() for _ in range(20)] == ["a"] * 20
        client.close()


def test_descriptors_beyond_this_process_limit_are_told(connect):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def answer(call):
        files = [wake() for _ in range(10)]
        # All that are open already stay; there is no number for any more.
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        return [(reply(GOOD), files)]

    with Service(answer) as service:
        client = connect(service.path)
        try:
            with pytest.raises(interruptsync.ResourcesExhausted, match="LimitNOFILE="):
                client.metrics()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        client.close()


def test_an_attachment_without_a_socket(connect):
    for files in ([], [lambda: os.open("/dev/null", os.O_RDWR)]):
        violated(connect, lambda call: [(reply({"event": 0}), [make() for make in files])],
                 lambda client: client.attach("soft"))


def test_a_device_is_handed_over_with_its_descriptors(connect, tmp_path):
    """An introduction first: until the daemon has taken the connection, the kernel may refuse descriptors."""
    paths = [tmp_path / "node", tmp_path / "config"]
    for path in paths:
        path.write_text("")
    files = [os.open(path, os.O_RDWR) for path in paths]
    with Service(lambda call: [(reply(), [])]) as service:
        client = connect(service.path)
        client.adopt("card", files[0], files[1])
        client.adopt("card", files[0])
        client.close()
    Service.close_all(files)
    (first, none), (call, came), (again, one) = service.calls
    assert is_introduction(first) and none == []
    assert call["method"] == "io.interruptsync.AdoptDevice"
    assert call["parameters"] == {"device": "card", "node": 0, "configuration": 1}
    assert came == [str(path) for path in paths]
    assert again["parameters"] == {"device": "card", "node": 0} and one == came[:1]
