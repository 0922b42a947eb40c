"""Operations and names of registers, as values."""
import doctest

import pytest

import interruptsync
from interruptsync import Registers, registers


def test_operations_are_as_the_interface_declares_them():
    assert interruptsync.read("bar0:0/32").members == {"operation": "read", "register": "bar0:0/32"}
    assert interruptsync.write("bar0:0/64", 2**64 - 1).members == {
        "operation": "write", "register": "bar0:0/64", "value": 2**64 - 1}
    assert interruptsync.update("bar0:0/8", 0xF0, 0x10).members == {
        "operation": "update", "register": "bar0:0/8", "value": 0x10, "mask": 0xF0}
    assert interruptsync.wait("bar0:0/8", 1, 0, 0.5).members == {
        "operation": "wait", "register": "bar0:0/8", "value": 0, "mask": 1, "microseconds": 500_000}


@pytest.mark.parametrize("timeout, microseconds", [
    (0, 0), (0.0005, 500), (0.002, 2000), (1e-9, 1), (1.0000011, 1_000_002), (3600, 3_600_000_000),
])
def test_waits_count_in_whole_microseconds(timeout, microseconds):
    assert interruptsync.wait("bar0:0/8", 1, 0, timeout).microseconds == microseconds


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf")])
def test_a_wait_without_a_time_is_refused(timeout):
    with pytest.raises(interruptsync.InvalidArgument):
        interruptsync.wait("bar0:0/8", 1, 0, timeout)


@pytest.mark.parametrize("value", [-1, 2**64, 1.5, True, "1"])
def test_a_value_that_is_no_number_of_64_bits_is_refused(value):
    with pytest.raises(interruptsync.InvalidArgument) as caught:
        interruptsync.write("bar0:0/64", value).members
    assert "value" in caught.value.cause and caught.value.hint


def test_names_stand_in_place_of_registers():
    edu = Registers({"status": "bar0:0x20/32"}, factorial="bar0:8/32")
    assert edu.read("status") == interruptsync.read("bar0:0x20/32")
    assert edu.write("factorial", 5) == interruptsync.write("bar0:8/32", 5)
    assert edu.update("status", 0x80, 0x80) == interruptsync.update("bar0:0x20/32", 0x80, 0x80)
    assert edu.wait("status", 1, 0, 0.1) == interruptsync.wait("bar0:0x20/32", 1, 0, 0.1)
    assert edu.read_all() == [edu.read("status"), edu.read("factorial")]
    assert dict(edu) == {"status": "bar0:0x20/32", "factorial": "bar0:8/32"} and "status" in repr(edu) and len(edu) == 2


def test_a_name_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(interruptsync.InvalidArgument) as caught:
        Registers(status="bar0:0/32").read("statsu")
    assert "status" in caught.value.hint and caught.value.object == "statsu"


def test_the_examples_of_comments_are_true():
    result = doctest.testmod(registers)
    assert result.attempted > 0 and result.failed == 0
