"""Malformed input on the daemon's socket, in every way that UAPI.20 names, each with the answer it must get."""
import json
import os
import socket

from daemon import RANDOM_TURNS, Closed, Daemon, eventually, refused

LIST = b'{"method":"io.interruptsync.ListDevices"}\0'
SERVICE = "org.varlink.service."

# Messages that are no calls: the connection is closed without a reply.
NO_CALLS = {
    "nothing": b"\0",
    "no JSON": b"{]\0",
    "cut JSON": b'{"method":"io.interruptsync.ListDevices"\0',
    "two values": LIST[:-1] + LIST,
    "not UTF-8": b'{"method":"io.interruptsync.\xff"}\0',
    "a lone surrogate": b'{"method":"\\ud800"}\0',
    "a control character": b'{"method":"a\x01b"}\0',
    "a trailing comma": b'{"method":"io.interruptsync.ListDevices",}\0',
    "a comment": b'{"method":"io.interruptsync.ListDevices"/**/}\0',
    "NaN": b'{"method":"io.interruptsync.Trigger","parameters":{"device":"soft","count":NaN}}\0',
    "Infinity": b'{"method":"io.interruptsync.Trigger","parameters":{"device":"soft","count":1e999}}\0',
    "a leading zero": b'{"method":"io.interruptsync.Trigger","parameters":{"device":"soft","count":01}}\0',
    "a key twice": b'{"method":"io.interruptsync.ListDevices","method":"io.interruptsync.ListDevices"}\0',
    "an array": b'["io.interruptsync.ListDevices"]\0',
    "a string": b'"io.interruptsync.ListDevices"\0',
    "a number": b"1\0",
    "null": b"null\0",
    "no method": b'{"parameters":{}}\0',
    "an empty object": b"{}\0",
    "a method that is a number": b'{"method":1}\0',
    "a method that is null": b'{"method":null}\0',
    "an unknown member": b'{"method":"io.interruptsync.ListDevices","colour":1}\0',
    "parameters that are an array": b'{"method":"io.interruptsync.ListDevices","parameters":[]}\0',
    "parameters that are a string": b'{"method":"io.interruptsync.ListDevices","parameters":"x"}\0',
    "oneway that is a number": b'{"method":"io.interruptsync.ListDevices","oneway":1}\0',
    "more that is a string": b'{"method":"io.interruptsync.ListDevices","more":"true"}\0',
    "upgrade that is an object": b'{"method":"io.interruptsync.ListDevices","upgrade":{}}\0',
    "more and oneway": b'{"method":"io.interruptsync.ListDevices","more":true,"oneway":true}\0',
    "more and upgrade": b'{"method":"io.interruptsync.ListDevices","more":true,"upgrade":true}\0',
    "oneway and upgrade": b'{"method":"io.interruptsync.ListDevices","oneway":true,"upgrade":true}\0',
    "nesting without end": b'{"method":"io.interruptsync.ListDevices","parameters":{"a":' + b"[" * 100_000 + b"\0",
}


def test_what_is_no_call_closes_the_connection():
    with Daemon() as daemon:
        for name, data in NO_CALLS.items():
            with daemon.wire() as wire:
                # The call before it is answered, the one after it is not.
                try:
                    wire.send(LIST + data + LIST)
                except Closed:
                    pass
                assert "devices" in wire.answer(), name
                assert wire.ends(), f"{name}: the connection goes on"
        daemon.still_dispatches()


def test_calls_that_cannot_be_answered_get_their_error():
    call = "io.interruptsync."
    cases = [
        ("", {}, "MethodNotFound", {"method": ""}),
        ("ListDevices", {}, "MethodNotFound", {"method": "ListDevices"}),
        ("io.example.Do", {}, "InterfaceNotFound", {"interface": "io.example"}),
        (call + "Explode", {}, "MethodNotFound", {"method": call + "Explode"}),
        (call + "listDevices", {}, "MethodNotFound", {"method": call + "listDevices"}),
        (call + "WatchDevices", {}, "ExpectedMore", {}),
        (call + "Events", {"device": "soft"}, "ExpectedMore", {}),
        (SERVICE + "GetInterfaceDescription", {"interface": "io.none"}, "InterfaceNotFound", {"interface": "io.none"}),
        (SERVICE + "GetInterfaceDescription", {}, "InvalidParameter", {"parameter": "interface"}),
    ]
    wait = {"operation": "wait", "register": "bar0:0/32", "value": 1, "microseconds": 2**64 - 1}
    cases.append((call + "Transact", {"device": "soft", "operations": [wait] * 2}, call + "TooLarge", None))
    for method, parameters, place in [
        ("ListDevices", {"all": True}, "all"),
        ("ListDevices", {"": 1}, ""),
        ("DescribeDevice", {}, "device"),
        ("DescribeDevice", {"device": None}, "device"),
        ("DescribeDevice", {"device": 1}, "device"),
        ("DescribeDevice", {"device": ["soft"]}, "device"),
        ("DescribeDevice", {"device": "soft", "Device": "soft"}, "Device"),
        ("GetStatistics", {"device": False}, "device"),
        ("GetHistograms", {"device": "soft", "period": "ever"}, "period"),
        ("GetHistograms", {"period": 1}, "period"),
        ("ResetHistograms", {}, "device"),
        ("Trigger", {"device": "soft", "count": "1"}, "count"),
        ("Trigger", {"device": "soft", "count": 1.5}, "count"),
        ("Trigger", {"device": "soft", "count": 0}, "count"),
        ("Trigger", {"device": "soft", "count": -(2**63)}, "count"),
        ("Trigger", {"device": "soft", "count": 2**63}, "count"),
        ("Trigger", {"device": "soft", "count": 2**64 - 1}, "count"),
        ("Trigger", {"device": "soft", "count": 2**64}, "count"),
        ("Trigger", {"device": "soft", "count": 10**40}, "count"),
        ("Connect", {"device": "soft", "persistent": "yes"}, "persistent"),
        ("SetMode", {"device": "soft", "mode": "best"}, "mode"),
        ("SetPolicy", {"device": "soft", "policy": "fifo", "priority": 0}, "priority"),
        ("Subscribe", {"device": "soft", "capacity": 15}, "capacity"),
        ("Subscribe", {"device": "soft", "capacity": 65537}, "capacity"),
        ("Subscribe", {"device": "soft", "capacity": 2**64 - 1}, "capacity"),
        ("Attach", {"device": "soft", "deadlineMicroseconds": 0}, "deadlineMicroseconds"),
        ("Attach", {"device": "soft", "deadlineMicroseconds": -1}, "deadlineMicroseconds"),
        ("Attach", {"device": "soft", "deadlineMicroseconds": 2**63 - 1}, "deadlineMicroseconds"),
        ("Attach", {"device": "soft", "deadlineMicroseconds": 2**64 - 1}, "deadlineMicroseconds"),
        ("Transact", {"device": "soft", "operations": {}}, "operations"),
        ("Transact", {"device": "soft", "operations": [1]}, "operations[0]"),
        ("Transact", {"device": "soft", "operations": [{"operation": "read"}]}, "operations[0].register"),
        (
            "Transact",
            {"device": "soft", "operations": [{"operation": "erase", "register": "bar0:0/32"}]},
            "operations[0].operation",
        ),
        (
            "Transact",
            {"device": "soft", "operations": [{"operation": "read", "register": "bar0:0/32", "size": 1}]},
            "operations[0].size",
        ),
    ]:
        cases.append((call + method, parameters, "InvalidParameter", {"parameter": place}))
    with Daemon() as daemon, daemon.wire() as wire:
        for method, parameters, error, expected in cases:
            wire.send(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
            caught = refused(error if error.startswith(call) else SERVICE + error, wire.answer)
            assert expected in (None, caught.parameters), f"{method} {parameters}: {caught}"
        # None of these calls reached the line.
        assert daemon.interrupts(wire) == 0
        daemon.still_dispatches()


def test_absent_null_and_empty_parameters_are_the_same():
    with Daemon() as daemon, daemon.wire() as wire:
        for parameters in ("", ',"parameters":null', ',"parameters":{}', ',"parameters" : { }  '):
            wire.send(b'{"method":"io.interruptsync.ListDevices"%s}\0' % parameters.encode())
            assert len(wire.answer()["devices"]) >= 1
        wire.send(b' \n{ "method" :\t"io.interruptsync.GetStatistics", "parameters": {"device": null}} \r\n\0')
        assert len(wire.answer()["statistics"]) >= 1
        # A vendor's member means nothing here; flags may be false.
        wire.send(b'{"method":"io.interruptsync.ListDevices","org.example.x":[1],"more":false,"oneway":false}\0')
        assert wire.answer()["devices"]


def test_replies_come_in_order_however_the_calls_are_cut(chance):
    with Daemon() as daemon, daemon.wire() as wire:
        calls = b"".join(
            json.dumps({"method": "io.interruptsync.DescribeDevice", "parameters": {"device": f"d{number}"}}).encode()
            + b"\0"
            for number in range(300)
        )
        while calls:
            size = chance.choice([1, 2, 7, 300, 5000])
            wire.send(calls[:size])
            calls = calls[size:]
        for number in range(300):
            error = refused("io.interruptsync.NoSuchDevice", wire.answer)
            assert error.parameters["device"] == f"d{number}", error


def test_oneway_calls_are_never_answered():
    with Daemon() as daemon, daemon.wire() as wire:
        for method, parameters in [
            ("Trigger", {"device": "soft", "count": 5}),
            ("Trigger", {"device": "none"}),
            ("Trigger", {"device": 1}),
            ("Explode", {}),
            ("io.example.Do", {}),
            ("Events", {"device": "soft"}),
        ]:
            wire.post(method, parameters, oneway=True)
        assert "devices" in wire.call("ListDevices")
        daemon.still_dispatches()
        assert daemon.interrupts(wire) == 8


def test_upgrade_is_not_implemented():
    with Daemon() as daemon, daemon.wire() as wire:
        wire.post("ListDevices", upgrade=True)
        refused(SERVICE + "MethodNotImplemented", wire.answer)


def test_a_message_cut_short_by_its_sender_does_nothing():
    with Daemon() as daemon:
        with daemon.wire() as wire:
            wire.send(b'{"method":"io.interruptsync.Trigger","parameters":{"device":"soft"}}')
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.ends()
        with daemon.wire() as wire:
            assert daemon.interrupts(wire) == 0


def test_descriptors_that_nobody_asked_for_are_closed():
    with Daemon() as daemon, daemon.wire() as wire:
        wire.call("ListDevices")
        before = len(daemon.descriptors())
        reading, writing = os.pipe()
        for _ in range(20):
            socket.send_fds(wire.socket, [LIST], [reading] * 8)
            wire.answer()
        # The descriptors of the last call are closed after its reply.
        eventually("all closed", lambda: len(daemon.descriptors()) <= before)
        # More descriptors than a message may have.
        try:
            socket.send_fds(wire.socket, [LIST], [reading] * 100)
            assert wire.ends()
        except (BrokenPipeError, Closed):
            pass
        os.close(reading)
        os.close(writing)
        daemon.still_dispatches()


def test_random_bytes_and_damaged_calls_change_nothing(chance):
    models = [
        b'{"method":"io.interruptsync.ListDevices","parameters":{}}\0',
        b'{"method":"io.interruptsync.Events","parameters":{"device":"other"},"more":true}\0',
        b'{"method":"io.interruptsync.WatchDevices","more":true}\0',
        b'{"method":"io.interruptsync.Subscribe","parameters":{"device":"other","capacity":16}}\0',
        b'{"method":"io.interruptsync.Attach","parameters":{"device":"other","deadlineMicroseconds":1000}}\0',
        b'{"method":"io.interruptsync.Trigger","parameters":{"device":"other","count":3},"oneway":true}\0',
        b'{"method":"io.interruptsync.Transact","parameters":{"device":"other","operations":'
        b'[{"operation":"update","register":"bar0:0x10/32","value":1,"mask":255}]}}\0',
        b'{"method":"io.interruptsync.SetMode","parameters":{"device":"other","mode":"all"}}\0',
        b'{"method":"io.interruptsync.Reload"}\0',
    ]
    words = [b"\0", b"{", b"}", b"[", b'"', b"\\u", b"\\ud8ff", b"null", b"-", b"1e308", b"\xff", b"\x80" * 3]
    words += [b":", b","]

    def damaged():
        data = bytearray(b"".join(chance.choices(models, k=chance.randrange(1, 4))))
        for _ in range(chance.randrange(0, 6)):
            place = chance.randrange(len(data))
            kind = chance.randrange(5)
            if kind == 0:
                data[place] = chance.randrange(256)
            elif kind == 1:
                del data[place : place + chance.randrange(1, 12)]
            elif kind == 2:
                data[place:place] = chance.choice(words)
            elif kind == 3:
                data[place:place] = data[chance.randrange(len(data)) :][:40]
            else:
                data[place:place] = chance.randbytes(chance.randrange(20))
            data = data or bytearray(b"\0")
        return bytes(data)

    rounds = 3000 * RANDOM_TURNS
    with Daemon(lines=("soft", "other")) as daemon:
        before = len(daemon.descriptors())

        def catch_up():
            """Connections that are closed here count as the user's until the daemon has closed them, too."""
            eventually("every descriptor closed", lambda: len(daemon.descriptors()) <= before + 1)

        for number in range(rounds):
            with daemon.wire() as wire:
                try:
                    wire.send(damaged() if number % 10 else chance.randbytes(chance.randrange(2000)))
                    if number % 3 == 0:
                        wire.socket.shutdown(socket.SHUT_WR)
                        wire.socket.settimeout(0.002)
                        wire.receive()
                except (Closed, OSError, ValueError):
                    pass
            if number % 500 == 499:
                catch_up()
                daemon.still_dispatches()
        catch_up()
        with daemon.wire() as wire:
            wire.call("Reload")
        daemon.still_dispatches("other")
        catch_up()
