"""Devices, statistics, settings and the errors of the real daemon, in both forms."""
import os

import pytest
from daemon import NOBODY, Daemon, as_user, eventually

import interruptsync
from interruptsync import Code, Event, State


def refused(kind, body, *arguments, **named):
    """The error, which is of this class, has its code, and says what to do."""
    with pytest.raises(kind) as caught:
        body(*arguments, **named)
    assert type(caught.value) is kind and isinstance(caught.value.code, Code), repr(caught.value)
    assert caught.value.hint and caught.value.cause, str(caught.value)
    assert str(caught.value).startswith(f"{caught.value.object}: {caught.value.operation}: "), str(caught.value)
    return caught.value


def test_devices_are_listed_and_described(connect):
    with Daemon(lines=("soft", "other")) as daemon:
        client = connect(daemon.path)
        devices = {device.id: device for device in client.devices()}
        for name in ("soft", "other"):
            device = client.device(name)
            assert device == devices[name]
            assert (device.state, device.mode, device.file) == (State.CONNECTED, "normal", "10-soft.device")
            assert device.is_serviced and device.regions == () and device.routines == ("software",)
        client.close()


def test_statistics_count_what_was_triggered(client):
    client.trigger("soft", 40)
    client.trigger("soft")
    statistics = eventually("41 interrupts", lambda: (
        counted if (counted := client.statistics("soft")).interrupts == 41 else None))
    assert statistics.dispatches + statistics.coalesced == 41 and statistics.claimed == statistics.dispatches
    assert [routine.name for routine in statistics.routines] == ["software"]
    assert statistics.routines[0].claims == statistics.dispatches
    assert "soft" in [each.id for each in client.all_statistics()]
    assert 'interruptsync_interrupts_total{device="soft"' in client.metrics()


def test_changes_of_devices_come_one_after_the_other(daemon, client):
    with client.watch_devices() as changes:
        first = changes.next(60)
        assert first.event is Event.PRESENT and "soft" in [device.id for device in first.devices]
        with pytest.raises(interruptsync.TimedOut):
            changes.next(0.01)
        client.disconnect("soft")
        second = changes.next(60)
        assert second.event is Event.CHANGED and second.devices[0].state is State.LISTED
        client.connect("soft", persistent=True)
        for change in changes:
            assert change.devices[0].state is State.CONNECTED
            break


def test_a_device_that_was_connected_ends_with_its_client(daemon, client, connect):
    client.disconnect("soft")
    other = connect(daemon.path)
    other.connect("soft")
    assert client.device("soft").state is State.CONNECTED
    other.close()
    eventually("the end of the connection", lambda: client.device("soft").state is State.LISTED)
    client.connect("soft", persistent=True)
    assert client.device("soft").state is State.CONNECTED


def test_mode_and_policy_are_changed(client):
    for mode in ("all", "repeat", "normal"):
        client.set_mode("soft", mode)
        assert client.device("soft").mode == mode
    client.set_policy("soft", "other")
    refused(interruptsync.InvalidArgument, client.set_mode, "soft", "best")
    refused(interruptsync.InvalidArgument, client.set_policy, "soft", "fifo")


def test_a_configuration_is_reloaded_or_rejected_with_its_places(daemon, client):
    daemon.write("devices/20-more.device", "[Match]\nSoftwareLine=more\n")
    client.reload()
    assert client.device("more").state is State.CONNECTED
    daemon.write("devices/20-more.device", "[Match]\nSoftwareLine=more\n[Device]\nMode=best\nColour=green\n")
    error = refused(interruptsync.ConfigurationRejected, client.reload)
    assert [diagnostic.line for diagnostic in error.diagnostics] == [4, 5], error
    assert all(diagnostic.file.endswith("20-more.device") for diagnostic in error.diagnostics)
    assert str(error.diagnostics[0]) in str(error)


def test_refusals_are_typed_and_say_what_to_do(client):
    assert refused(interruptsync.NoSuchDevice, client.device, "none").object == "none"
    refused(interruptsync.NoSuchDevice, client.statistics, "none")
    refused(interruptsync.WrongState, client.connect, "soft")
    refused(interruptsync.InvalidArgument, client.trigger, "soft", 0)
    error = refused(interruptsync.BadRegister, client.transact, "soft",
                    [interruptsync.write("bar0:0/32", 1), interruptsync.read("bar0:4/32")])
    assert "operation 1" in error.cause and error.daemon_code == "noSuchRegion", error
    refused(interruptsync.TooLarge, client.transact, "soft", [interruptsync.read("bar0:0/32")] * 5000)
    refused(interruptsync.InvalidArgument, client.subscribe, "soft", 8)
    client.disconnect("soft")
    refused(interruptsync.WrongState, client.transact, "soft", [])
    # The connection goes on after each of them.
    assert client.device("soft").state is State.LISTED


def test_a_user_without_the_role_is_refused(daemon):
    daemon.let_every_user_connect()

    def ask():
        with interruptsync.Client(daemon.path) as client:
            assert client.device("soft").id == "soft"
            for body in (client.reload, lambda: client.trigger("soft")):
                assert "ControlGroup=" in refused(interruptsync.PermissionDenied, body).hint
            # The kernel refuses it (Linux 6.16), or the daemon closes the connection.
            with pytest.raises((interruptsync.PermissionDenied, interruptsync.Disconnected)):
                client.adopt("soft", 0)

    as_user(NOBODY, NOBODY, ask)


def test_a_socket_that_may_not_be_used_names_its_group(daemon):
    os.chmod(daemon.path, 0o600)

    def ask():
        assert "usermod -aG root" in refused(interruptsync.PermissionDenied, interruptsync.Client, daemon.path).hint

    as_user(NOBODY, NOBODY, ask)


@pytest.mark.parametrize("address, kind", [
    ("/nowhere/socket", interruptsync.NotRunning), ("unix:@interruptsync-nowhere", interruptsync.NotRunning),
    ("tcp:localhost:1", interruptsync.InvalidArgument), ("unix:", interruptsync.InvalidArgument),
    ("/" + "x" * 200, interruptsync.InvalidArgument),
])
def test_an_address_without_a_daemon_is_refused(connect, address, kind):
    assert refused(kind, connect, address).object == address


def test_the_address_is_taken_from_the_environment(daemon, monkeypatch):
    monkeypatch.setenv("INTERRUPTSYNC_ADDRESS", "unix:" + daemon.path)
    with interruptsync.Client() as client:
        assert client.address == "unix:" + daemon.path and client.device("soft").id == "soft"
    monkeypatch.delenv("INTERRUPTSYNC_ADDRESS")
    assert interruptsync.address.default() == "/run/interruptsync/io.interruptsync"
