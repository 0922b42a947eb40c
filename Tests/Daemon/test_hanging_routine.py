"""A routine of a driver's that does not return stops its own line. Other devices, calls and signals go on.

The driver hangs in its service, start or stop function as long as a file exists. The control thread may wait for it only
for a moment.
"""
import os
import shutil
import signal
import tempfile
import time

import pytest

from daemon import PATIENCE, Daemon, Ring, compiled_driver, eventually

DRIVER = r"""
#include <interruptsync/driver.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static char path[200];
static int32_t hang(const char *function) {
  char mark[300];
  snprintf(mark, sizeof mark, "%s.%s", path, function);
  while (access(mark, F_OK) == 0) usleep(1000);
  return 0;
}
static int32_t service(void *context) {
  (void)context;
  return hang("service");
}
static void stop(void *context) {
  (void)context;
  hang("stop");
}
int32_t interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
  strncpy(path, host->arguments[0], sizeof path - 1);
  *driver = (interruptsync_driver){.size = sizeof *driver, .service = service, .stop = stop};
  return hang("start");
}
"""


@pytest.fixture(scope="module")
def driver():
    with compiled_driver(DRIVER) as path:
        yield path


class Driven(Daemon):
    """A daemon with the line "soft", and lines of the driver."""

    def __init__(self, driver, names=("hung",), device="", hangs=()):
        self.driver = driver
        self.folder_of_marks = tempfile.mkdtemp(prefix="hang-")
        os.chmod(self.folder_of_marks, 0o755)
        for function in hangs:
            self.hang(function)
        super().__init__()
        for name in names:
            self.describe(name, device)
        with self.wire() as wire:
            wire.call("Reload")

    def describe(self, name, device=""):
        self.write(f"devices/20-{name}.device", f"[Match]\nSoftwareLine={name}\n[Device]\n{device}\n"
                   f"[Routine]\nDriver={self.driver}\nArgument={self.folder_of_marks}/mark\n")

    def hang(self, function="service"):
        open(f"{self.folder_of_marks}/mark.{function}", "w").close()

    def release(self):
        for mark in os.listdir(self.folder_of_marks):
            os.unlink(f"{self.folder_of_marks}/{mark}")

    def __exit__(self, *arguments):
        self.release()
        super().__exit__(*arguments)
        shutil.rmtree(self.folder_of_marks)

    def state(self, wire, device="hung"):
        return next(d["state"] for d in wire.call("ListDevices")["devices"] if d["id"] == device)


class Hanging(Driven):
    """One whose line "hung" is in its routine when it is entered."""

    def __enter__(self):
        with self.wire() as wire:
            assert self.state(wire) == "connected", self.log
            self.hang()
            wire.call("Trigger", device="hung")
            eventually("the line is in its routine", lambda: refusal(wire, "Transact", operations=[]) == "Busy")
        return self


def refusal(wire, method, device="hung", **parameters):
    """The name of the error, without its interface; empty without one."""
    wire.post(method, {"device": device, **parameters})
    return wire.receive().get("error", "").rpartition(".")[2]


CHANGES = [("Transact", {"operations": []}), ("Disconnect", {}), ("SetMode", {"mode": "all"}),
           ("SetPolicy", {"policy": "other"}), ("Attach", {})]


def test_calls_that_would_wait_for_the_routine_are_busy_and_every_other_goes_on(driver):
    with Hanging(driver) as daemon, daemon.wire() as wire:
        for method, parameters in CHANGES:
            assert refusal(wire, method, **parameters) == "Busy", method
        ring = Ring(wire, "hung", 16)
        wire.post("Events", {"device": "hung"}, more=True)
        daemon.still_dispatches()
        with daemon.wire() as other:
            other.call("GetStatistics", device="hung")
            other.call("DescribeDevice", device="hung")
            other.call("GetMetrics")
            other.call("Trigger", device="hung")
            assert daemon.state(other) == "connected"
        daemon.release()
        assert ring.wait(), "the record of the interrupt whose routine hung"


def test_an_observer_comes_and_goes_while_a_routine_hangs(driver):
    with Hanging(driver) as daemon:
        for _ in range(20):
            with daemon.wire() as wire:
                Ring(wire, "hung", 16)
                wire.post("Events", {"device": "hung"}, more=True)
        daemon.still_dispatches()


def test_the_second_call_about_a_routine_that_hangs_does_not_wait_again(driver):
    with Hanging(driver) as daemon, daemon.wire() as wire:
        begin = time.monotonic()
        for _ in range(100):
            assert refusal(wire, "Transact", operations=[]) == "Busy"
        # A hundred waits of 50 ms each would take 5 s.
        assert time.monotonic() - begin < 4


def test_a_reload_is_taken_over_once_the_routine_has_returned(driver):
    with Hanging(driver) as daemon, daemon.wire() as wire:
        daemon.describe("hung", "Mode=all")
        wire.call("Reload")
        daemon.still_dispatches()
        assert wire.call("DescribeDevice", device="hung")["device"]["mode"] == "normal"
        eventually("the journal tells it", lambda: "has held the interrupt lock for more than 50 ms" in daemon.log)
        daemon.release()
        eventually("the new mode", lambda: wire.call("DescribeDevice", device="hung")["device"]["mode"] == "all")
        eventually("the journal tells it", lambda: "the routine has returned" in daemon.log)
        assert refusal(wire, "Transact", operations=[]) == ""


def test_a_device_whose_file_goes_while_its_routine_hangs_goes_once_it_has_returned(driver):
    with Hanging(driver) as daemon, daemon.wire() as wire:
        os.unlink(daemon.devices + "/20-hung.device")
        wire.call("Reload")
        daemon.still_dispatches()
        daemon.release()
        eventually("the device goes", lambda: all(d["id"] != "hung" for d in wire.call("ListDevices")["devices"]))


def test_the_connection_that_connected_a_device_ends_while_its_routine_hangs(driver):
    with Hanging(driver) as daemon:
        daemon.release()
        with daemon.wire() as wire, daemon.wire() as other:
            eventually("the routine returns", lambda: refusal(other, "Disconnect") == "")
            wire.call("Connect", device="hung", persistent=False)
            daemon.hang()
            other.call("Trigger", device="hung")
            eventually("it is in its routine", lambda: refusal(other, "Transact", operations=[]) == "Busy")
            wire.close()
            daemon.still_dispatches()
            daemon.release()
            eventually("it is disconnected", lambda: daemon.state(other) == "listed")


@pytest.mark.parametrize("shared", ["LockGroup=one", "DispatcherGroup=one"])
def test_what_shares_a_lock_or_a_thread_with_it_is_busy_and_nothing_else(driver, shared):
    with Hanging(driver, names=("hung", "mate"), device=shared) as daemon, daemon.wire() as wire:
        for method, parameters in CHANGES[1:]:
            assert refusal(wire, method, "mate", **parameters) == "Busy", method
        Ring(wire, "mate", 16)
        daemon.still_dispatches()
        assert refusal(wire, "Disconnect", "soft") == ""
        daemon.release()
        eventually("the routine returns", lambda: refusal(wire, "SetMode", "mate", mode="all") == "")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_daemon_ends_on_a_signal_while_a_routine_hangs(driver, ending):
    # The context ends the daemon once more, which does no harm.
    with Hanging(driver, names=("hung", "mate")) as daemon:
        daemon.process.send_signal(ending)
        assert daemon.process.wait(PATIENCE) == 0
        assert "has held the interrupt lock for more than 50 ms" in daemon.log


def test_sighup_is_obeyed_while_a_routine_hangs(driver):
    with Hanging(driver) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        eventually("the configuration is reloaded", lambda: "configuration reloaded" in daemon.log)
        daemon.still_dispatches()


def test_a_driver_that_does_not_start_fails_its_device_alone(driver):
    with Driven(driver, hangs=["start"]) as daemon, daemon.wire() as wire:
        assert daemon.state(wire) == "failed"
        assert "its start function has not returned" in daemon.log
        daemon.still_dispatches()


def test_a_daemon_whose_driver_does_not_start_ends_on_a_signal(driver):
    with Driven(driver, hangs=["start"]) as daemon:
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(PATIENCE) == 0


def test_a_driver_that_does_not_stop_keeps_neither_its_device_nor_the_daemon(driver):
    with Driven(driver, hangs=["stop"]) as daemon, daemon.wire() as wire:
        assert refusal(wire, "SetMode", mode="all") == ""
        assert daemon.state(wire) == "connected"
        assert "the driver has not stopped" in daemon.log
        daemon.still_dispatches()
        daemon.still_dispatches("hung")
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(PATIENCE) == 0
