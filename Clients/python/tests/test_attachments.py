"""A line that the program services instead of the real daemon, in both forms."""
import os
import select

import pytest
from daemon import eventually

import interruptsync
from interruptsync import State

PATIENCE = 60


def test_an_attached_device_is_serviced_and_handed_back(client):
    with client.attach("soft") as attached:
        assert client.device("soft").state is State.ATTACHED
        assert not attached.wait(0)
        for count in (1, 3):
            client.trigger("soft", count)
            assert attached.wait(PATIENCE)
            assert attached.complete() == count
        assert not attached.wait(0)
        with pytest.raises(interruptsync.BadRegister):
            attached.transact([interruptsync.read("bar0:0/32")])
        attached.detach()
        with pytest.raises(interruptsync.NotAttached) as caught:
            attached.complete()
        assert caught.value.hint
    eventually("the daemon has it again", lambda: client.device("soft").state is State.CONNECTED)


def test_a_closed_attachment_hands_the_device_back(client):
    attached = client.attach("soft", deadline=5)
    attached.close()
    attached.close()
    eventually("the daemon has it again", lambda: client.device("soft").state is State.CONNECTED)
    with pytest.raises(interruptsync.Disconnected, match="attach the device again"):
        attached.wait(0)
    with pytest.raises(interruptsync.Disconnected):
        attached.complete()


def test_a_missed_deadline_ends_the_attachment(client):
    with client.attach("soft", deadline=0.05) as attached:
        client.trigger("soft")
        eventually("the end of the attachment", lambda: client.device("soft").state is not State.ATTACHED)
        assert attached.wait(PATIENCE)
        with pytest.raises(interruptsync.NotAttached):
            attached.complete()


def test_a_second_client_is_told_that_it_is_busy(client):
    with client.attach("soft"):
        with pytest.raises(interruptsync.Busy) as caught:
            client.attach("soft")
        assert caught.value.hint


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("inf")])
def test_a_deadline_is_a_time(client, deadline):
    with pytest.raises(interruptsync.InvalidArgument):
        client.attach("soft", deadline)


def test_an_attachment_joins_a_selector(daemon):
    with interruptsync.Client(daemon.path) as client, client.attach("soft") as attached:
        poll = select.poll()
        poll.register(attached, select.POLLIN)
        assert poll.poll(0) == []
        client.trigger("soft")
        assert poll.poll(PATIENCE * 1000) == [(attached.fileno(), select.POLLIN)]
        assert attached.wait(0) and attached.complete() == 1
        assert poll.poll(0) == []


def test_a_line_cannot_be_handed_over(client):
    """A software line has no node, and descriptors that are not a device's change nothing."""
    with pytest.raises(interruptsync.WrongState, match="no device node"):
        client.adopt("soft")
    file = os.open("/dev/null", os.O_RDWR)
    try:
        with pytest.raises(interruptsync.InterruptSyncError) as caught:
            client.adopt("soft", file)
        assert caught.value.code in (interruptsync.Code.WRONG_STATE, interruptsync.Code.INVALID_ARGUMENT), caught.value
        # It is still the caller's.
        os.fstat(file)
    finally:
        os.close(file)
