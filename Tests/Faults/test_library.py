"""The library under faults of system calls: each of the first 20 calls of every kind fails with every documented errno,
while objects over software lines and descriptor lines connect, dispatch, are observed, and disconnect.

A fault is survived, or is an error that names the errno. Either way descriptors, threads and shared mappings are as
they were before, and the same scenario works afterwards.
"""
import os
import re
import subprocess

import pytest

from faults import SOAK, all_faults, names_cause
from seam import ARM, Seam

PROGRAM = os.environ.get("FAULT_SCENARIOS", ".build/release/fault-scenarios")
SCENARIOS = subprocess.run([PROGRAM], check=True, capture_output=True, text=True).stdout.split()


def lives(scenario, source):
    """Pairs of a fault and what the program said about it. A program that ends early is started again."""
    pairs = []
    while True:
        armed = []

        def mark(seam, what):
            fault = next(source, None) if what == ARM else None
            seam.arm(fault)
            armed.extend([fault] if fault else [])
            return int(fault is not None)

        seam = Seam([PROGRAM, scenario], on_mark=mark, stdout=subprocess.PIPE, text=True)
        said = seam.process.stdout.read().splitlines()
        status = seam.process.wait()
        # A fault without a line has ended the program.
        pairs += zip(armed, said + [f"WRONG ended with status {status}"] * (len(armed) - len(said)))
        if status == 0:
            return pairs
        assert armed, said


def judged(fault, said):
    """A description of the failure, or None."""
    if not fault.struck:
        return None if said == "ok" else f"without a fault: {said}"
    if re.search(r"\b(WRONG|LEFT|AFTERWARDS)\b", said):
        return said
    if said == "ok":
        return None
    if fault.error == "EINTR":
        return "an interrupted call is not made again: " + said
    return None if names_cause(fault, said) else "the cause is not named: " + said


def verdict(pairs):
    struck = [fault for fault, _ in pairs if fault.struck]
    print(f"{len(struck)} faults in {len({fault.call for fault in struck})} kinds of calls")
    assert struck, "no fault struck"
    found = [f"{fault}: {wrong}" for fault, said in pairs if (wrong := judged(fault, said))]
    print(*found, sep="\n")
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_call_that_fails(scenario):
    assert not verdict(lives(scenario, all_faults()))


@pytest.mark.parametrize("scenario", SCENARIOS if SOAK else ["ring"])
def test_a_call_that_fails_in_a_process_that_has_made_nothing(scenario):
    def cold(fault, *usual):
        def mark(seam, what):
            seam.arm(fault if what == ARM else None)
            return 1

        seam = Seam([PROGRAM, scenario, "cold", *usual], on_mark=mark, stdout=subprocess.PIPE, text=True)
        said = seam.process.stdout.read().splitlines()
        assert seam.process.wait() == 0 and len(said) == 2, f"{fault}: {said}"
        return said

    _, usual = cold(None)
    pairs = []
    for fault in all_faults():
        said, left = cold(fault, usual)
        pairs.append((fault, said if left == usual else f"{said} LEFT {left}, usually {usual}"))
    assert not verdict(pairs)


@pytest.mark.parametrize("mistake, finding", [
    ("planted-leak", "LEFT"), ("planted-silence", "the cause is not named"), ("planted-end", "AFTERWARDS"),
    ("planted-crash", "ended with status -6")])
def test_a_planted_mistake_is_found(mistake, finding):
    found = verdict(lives(mistake, all_faults(kinds=["eventfd2"])))
    assert found and all(finding in text for text in found), found
