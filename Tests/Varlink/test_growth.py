"""The daemon's interface has everything that each released version had. `released` has their descriptions: a file, once
there, never changes, and a release adds its own."""
import pathlib
import re

import pytest

import growth

ROOT = pathlib.Path(__file__).parents[2]
NOW = (ROOT / "Sources/InterruptSyncService/Clients/io.interruptsync.varlink").read_text()
RELEASED = sorted(pathlib.Path(__file__).with_name("released").glob("io.interruptsync-*.varlink"))


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_the_interface_only_grows(released):
    assert list(growth.faults(released.read_text(), NOW)) == []


def test_there_is_a_description_of_this_version():
    version = re.search(r"^VERSION = (\S+)$", (ROOT / "Makefile").read_text(), re.M).group(1)
    assert f"io.interruptsync-{version}.varlink" in [path.name for path in RELEASED], \
        f"copy io.interruptsync.varlink to Tests/Varlink/released/io.interruptsync-{version}.varlink"


@pytest.mark.parametrize("old, new, fault", [
    # Methods, types and errors.
    (r"method GetMetrics\(\) -> \(text: string\)", "", "GetMetrics: is gone"),
    (r"error WaitExpired .*", "", "WaitExpired: is gone"),
    (r"error DeviceGone \(", "type DeviceGone (", "DeviceGone: was an error, and is a type"),
    # Fields of types, inputs, outputs and errors.
    (r"dispatches: int,\n", "", "Statistics.dispatches: is gone"),
    (r", persistent: \?bool", "", "Connect, input.persistent: is gone"),
    (r"text: string", "", "GetMetrics, output.text: is gone"),
    (r"state: string, ", "", "WrongState.state: is gone"),
    # Their types.
    (r"irq: \?int", "irq: ?string", "Device.irq: was int, and is string"),
    (r"routines: \[\]string", "routines: ?[]string", "Device.routines: was []string, and is ?[]string"),
    (r"captured: \[string\]int", "captured: [string]bool", "Events, output.captured: was int, and is bool"),
    (r"regions: \[\]Region", "regions: []Device", "Device.regions: was Region, and is Device"),
    # Values.
    (r"storming, attached", "attached", "Device.state: the value storming is gone"),
    (r"\(read, write, update", "(read, write, change", "Operation.operation: the value update is gone"),
    # What old clients do not send, and old daemons do not answer.
    (r"Disconnect\(device: string", "Disconnect(device: string, why: string",
     "Disconnect, input.why: is new, and may not be absent"),
    (r"text: string\)", "text: string, size: int)", "GetMetrics, output.size: is new, and may not be absent"),
])
def test_what_a_client_would_miss_is_found(old, new, fault):
    changed, count = re.subn(old, new, NOW, count=1)
    assert count == 1, old
    assert list(growth.faults(NOW, changed)) == [fault]


@pytest.mark.parametrize("old, new", [
    (r"method GetMetrics", "method Look(device: string) -> (text: string)\nmethod GetMetrics"),
    (r"error WaitExpired", "error Dark (message: string)\nerror WaitExpired"),
    (r"size: int\n", "size: int,\n  cached: ?bool\n"),
    (r"text: string\)", "text: string, size: ?int)"),
    (r"storming, attached", "storming, resting, attached"),
    (r"# Observe.\n", "# Observe, and nothing else.\n"),
])
def test_what_is_added_takes_nothing_away(old, new):
    changed, count = re.subn(old, new, NOW, count=1)
    assert count == 1, old
    assert list(growth.faults(NOW, changed)) == []
