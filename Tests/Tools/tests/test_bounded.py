"""A command that does not end is ended, with everything that it started, and says so."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

BOUNDED = pathlib.Path(__file__).resolve().parents[1] / "bounded"
# Far beyond what these tests take.
PATIENCE = 60


def bounded(seconds, script, **more):
    return subprocess.run([BOUNDED, str(seconds), "bash", "-c", script], capture_output=True, text=True, check=False,
                          timeout=PATIENCE, **more)


@pytest.mark.parametrize("script, status", [("true", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_what_ends_keeps_its_status_and_its_words(script, status):
    done = bounded(PATIENCE, "echo said; " + script)
    assert (done.returncode, done.stdout) == (status, "said\n")


def test_what_does_not_end_is_named_with_all_that_it_started():
    done = bounded(0.5, "setsid sleep 1001 & sleep 1002")
    assert done.returncode == 124
    assert done.stdout.startswith("no end after 0 s: bash -c")
    assert "sleep 1001\n" in done.stdout and "sleep 1002\n" in done.stdout


def test_a_command_that_is_not_there_is_named():
    done = subprocess.run([BOUNDED, "5", "no-such-command"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (127, "no-such-command: No such file or directory\n")


def test_what_is_left_running_does_not_hold_up_who_waits_for_its_end_of_the_pipe():
    # A session of its own, deaf to SIGTERM, and with a parent that has ended.
    done = bounded(PATIENCE, "(setsid bash -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' &) | head -n 1")
    assert done.returncode == 0
    assert not pathlib.Path(f"/proc/{done.stdout.strip()}").exists()


def test_a_time_for_everything_shortens_each_bound():
    done = bounded(PATIENCE * 2, "sleep 1003", env={**os.environ, "BOUND_END": str(time.time() + 1)})
    assert done.returncode == 124
    assert "no end after 1 s" in done.stdout


def test_whoever_ends_it_ends_the_command_too():
    with subprocess.Popen([BOUNDED, str(PATIENCE), "bash", "-c", "echo $$; exec setsid sleep 1004"],
                          stdout=subprocess.PIPE, text=True) as process:
        child = process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert not pathlib.Path(f"/proc/{child}").exists()
