"""The lanes of `make test`: every step of the Makefile runs once, and in an order that its needs allow."""
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """`begin STEP` and `end STEP` as they happened, with steps that do nothing else."""
    tree = tmp_path_factory.mktemp("tree")
    tools = tree / "Tests/Tools"
    tools.mkdir(parents=True)
    shutil.copy(TOOLS / "lanes", tools)
    (tools / "step").write_text(
        '#!/bin/sh\nlog() { flock lock sh -c "echo $1 >>events"; }\nlog "begin $1"\nlog "end $1"\necho "said $1"\n')
    (tools / "step").chmod(0o755)
    done = subprocess.run([tools / "lanes"], capture_output=True, text=True, check=True, timeout=60)
    lines = (tree / "events").read_text().splitlines()
    assert sorted(re.findall(r"said (.*)", done.stdout)) == sorted(line[4:] for line in lines if line[:3] == "end")
    return lines


def test_every_step_of_the_makefile_runs_once(events):
    makefile = (TOOLS.parents[1] / "Makefile").read_text().replace("\\\n", " ")
    steps = re.search(r"^STEPS = (.*)$", makefile, re.M).group(1).split()
    assert sorted(line[6:] for line in events if line[:5] == "begin") == sorted(steps)


@pytest.mark.parametrize("earlier, later", [
    ("release", "packages"), ("packages", "guest-6.1"), ("guest-6.1", "guest-6.12"), ("packages", "hot"),
    ("packages", "instructions"), ("packages", "c"), ("packages", "windows"), ("packages", "deb"), ("unit", "docs"),
    ("docs", "site"), ("unit", "mustfail"), ("tsan", "c"), ("asan", "windows"), ("aarch64", "arm64-6.1")])
def test_a_step_begins_when_what_it_needs_has_ended(events, earlier, later):
    assert events.index(f"end {earlier}") < events.index(f"begin {later}")


def test_the_soak_and_the_daemons_latencies_run_when_everything_else_has_ended(events):
    assert events[-4:] == ["begin soak", "end soak", "begin daemon", "end daemon"]


def test_lanes_that_are_ended_show_what_each_running_step_said_last(tmp_path):
    tools = tmp_path / "Tests/Tools"
    tools.mkdir(parents=True)
    shutil.copy(TOOLS / "lanes", tools)
    (tools / "step").write_text('#!/bin/sh\necho "$1 waits for what does not come"\necho >>begun\nexec sleep 1005\n')
    (tools / "step").chmod(0o755)
    os.mkfifo(tmp_path / "begun")
    with subprocess.Popen([tools / "lanes"], stdout=subprocess.PIPE, text=True, start_new_session=True) as lanes:
        with open(tmp_path / "begun") as begun:
            begun.readline()
        lanes.send_signal(signal.SIGTERM)
        text = lanes.stdout.read()
    assert lanes.returncode == 143
    assert "=== release has not ended:\nrelease waits for what does not come\n" in text
