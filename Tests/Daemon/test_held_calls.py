"""Between the lock and the unlock of the interrupt lock, a dispatcher makes only the system calls of a list."""
import os
import time

from attack import Attackers, Target
from daemon import PROGRAM, Daemon, Ring, compiled_driver, eventually
from held_calls import ALLOWED, HeldCalls, place_of_state

SECONDS = 60 if os.environ.get("SOAK") else 5
DRIVER = r"""
#include <interruptsync/driver.h>
#include <unistd.h>
static int32_t service(void *context) {
  (void)context;
  sync();
  return 0;
}
int32_t interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
  (void)host;
  *driver = (interruptsync_driver){.size = sizeof *driver, .service = service};
  return 0;
}
"""
SYNC = {"x86_64": "162", "aarch64": "81"}[os.uname().machine]


def test_a_call_of_a_routine_is_seen():
    with compiled_driver(DRIVER) as driver, Daemon() as daemon:
        daemon.write("devices/20-calls.device", f"[Match]\nSoftwareLine=calls\n[Routine]\nDriver={driver}\n")
        with daemon.wire() as wire:
            wire.call("Reload")
            wire.call("Trigger", device="calls", count=1)
            held = HeldCalls(daemon.process.pid, "calls", place_of_state(PROGRAM))
            before = daemon.interrupts(wire, "calls")
            for _ in range(20):
                wire.call("Trigger", device="calls", count=1)
            eventually("every interrupt", lambda: daemon.interrupts(wire, "calls") == before + 20)
        calls = held.end()
    assert calls.pop(SYNC, 0) > 0 and not calls
    assert held.others > 0


def test_under_attack_a_dispatcher_makes_only_listed_calls_with_the_lock():
    with Daemon() as daemon:
        daemon.let_every_user_connect()
        with daemon.wire() as wire:
            ring = Ring(wire, "soft", 8192)
            line = daemon.line("soft")
            attackers = Attackers(Target(daemon.path, "soft"), SECONDS)
            held = HeldCalls(daemon.process.pid, "soft", place_of_state(PROGRAM))
            before, raised = daemon.interrupts(wire), 0
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                os.write(line, (1).to_bytes(8, "little"))
                raised += 1
                time.sleep(0.002)
            print(attackers.end())
            eventually("every interrupt", lambda: daemon.interrupts(wire) == before + raised)
            os.write(line, (1).to_bytes(8, "little"))
            calls = held.end()
            os.close(line)
            assert len(ring.take()) > 0
    print(f"{raised} interrupts, {held.others} calls without the lock, with it {calls}")
    assert held.others > raised / 2
    assert set(calls) <= ALLOWED, calls
