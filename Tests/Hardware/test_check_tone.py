"""check-tone on recordings that are made here, each with the tests of it that must fail."""
import array
import math
import os
import subprocess
import sys
import wave

import pytest

RATE, PERIOD, FRAMES = 48000, 1024, 141 * 1024
CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check-tone")


def tone(frames=FRAMES, frequency=1000.0, start=0):
    step = 2 * math.pi * frequency / RATE
    return [round(16000 * math.sin(step * i)) for i in range(start, start + frames)]


def silenced(samples, at, frames):
    return samples[:at] + [0] * frames + samples[at + frames :]


def hissing(samples, amplitude):
    """With a second, inharmonic tone."""
    return [a + b * amplitude // 16000 for a, b in zip(samples, tone(len(samples), 3571.3))]


GOOD = tone()
# Name, left channel, right channel unless the same, and the tests that fail; None: not even tested.
CASES = [
    ("a tone", GOOD, None, []),
    ("a tone between silences", [0] * 5000 + GOOD + [0] * 5000, None, []),
    ("a tone with another one behind it", GOOD + tone(40000, 440), None, []),
    ("a tone 0.8 Hz off", tone(frequency=1000.8), None, []),
    ("a tone that ends a little early", GOOD[:-1000], None, []),
    ("3 Hz off", tone(frequency=1003), None, ["frequency"]),
    ("another tone", tone(frequency=440), None, ["frequency"]),
    ("a gap of silence", silenced(GOOD, 70000, 1200), None, ["spectrum", "gaps"]),
    ("frames inserted", GOOD[:70000] + [0] * 1200 + tone(FRAMES, start=70000), None, ["spectrum", "gaps"]),
    ("frames left out", GOOD[:70000] + GOOD[70010:], None, ["spectrum", "gaps"]),
    ("a jump that the spectrum hardly shows", GOOD[:143000] + GOOD[143010:], None, ["gaps"]),
    ("periods left out, whole cycles of them", GOOD[: -3 * PERIOD], None, ["length"]),
    ("another tone 20 dB below", hissing(GOOD, 1600), None, ["spectrum"]),
    ("another tone 40 dB below", hissing(GOOD, 160), None, []),
    ("silence", [0] * FRAMES, None, None),
    ("nothing", [], None, None),
    ("almost silence", [sample // 1000 for sample in GOOD], None, None),
    ("less than two seconds", GOOD[:90000], None, None),
    ("one channel silent", GOOD, [0] * FRAMES, None),
]


def record(path, left, right):
    samples = array.array("h", [0]) * (2 * len(left))
    samples[0::2], samples[1::2] = array.array("h", left), array.array("h", right)
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


@pytest.mark.parametrize("left, right, failures", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_recording_of(tmp_path, left, right, failures):
    path = str(tmp_path / "tone.wav")
    record(path, left, left if right is None else right)
    ran = subprocess.run(
        [CHECK, "--frames", str(FRAMES), "--period", str(PERIOD), path], capture_output=True, text=True, check=False)
    if failures is None:
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"{path}: ")
    else:
        assert [line.split()[2].rstrip(":") for line in ran.stdout.splitlines() if line.startswith("FAIL ")] == failures
        assert ran.returncode == (1 if failures else 0), ran.stdout + ran.stderr
        assert ran.stdout.endswith(f"\n{4 - len(failures)} passed, {len(failures)} failed\n")
