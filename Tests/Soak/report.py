"""The files that a soak leaves: the summary, the recording and a picture of each curve."""
import dataclasses
import json
import os
import platform

from chart import Curve, draw
from judge import FAILED, judge
from recording import percentile

MIB = 1 << 20


def rows(judgements):
    lines = ["| judged | verdict | measured | bound |", "|---|---|---|---|"]
    return lines + [f"| {one.name} | {one.verdict} | {one.figures} | {one.bound} |" for one in judgements]


def report(recording, folder):
    """Writes the files. Returns the summary, and whether the daemon passed."""
    folder.mkdir(parents=True, exist_ok=True)
    judgements = judge(recording)
    text = "\n".join([
        f"{recording.seconds / 60:.1f} minutes on Linux {platform.release()} with {os.cpu_count()} processors, "
        f"load {os.getloadavg()[1]:.1f}", "", *rows(judgements), ""])
    (folder / "summary.md").write_text(text)
    (folder / "recording.json").write_text(json.dumps(dataclasses.asdict(recording)))
    for name, picture in pictures(recording).items():
        (folder / f"{name}.svg").write_text(picture)
    return text, not any(one.verdict == FAILED for one in judgements)


def lives(samples, value):
    """(time, value) with a gap between two processes."""
    points, life = [], None
    for sample in samples:
        if life not in (None, sample.life):
            points.append(None)
        life = sample.life
        points.append((sample.time, value(sample)))
    return points


def rate(samples):
    points = []
    for one, other in zip(samples, samples[1:]):
        if one.life != other.life:
            points.append(None)
        elif other.time > one.time:
            points.append((other.time, (other.interrupts - one.interrupts) / (other.time - one.time)))
    return points


def pictures(recording):
    """By name."""
    end = max([recording.seconds, *(sample.time for sample in recording.samples)])
    marks = recording.ends

    def under_load(field, scale=1, **more):
        return Curve("under load", lives(recording.samples, lambda sample: getattr(sample, field) / scale), **more)

    def at_rest(field, scale=1):
        return Curve("at rest", [(rest.time, getattr(rest, field) / scale) for rest in recording.rests], dots=True)

    def picture(title, unit, *curves, **more):
        return draw(title, unit, end, curves, marks, **more)

    times = Curve("99.9 % of all answers", [(answer.time, answer.seconds * 1e3) for answer in recording.answers],
                  together=slow)
    own = Curve("without the wait for a processor", [(answer.time, answer.own * 1e3) for answer in recording.answers],
                together=slow)
    return {
        "memory": picture("Resident memory", "MiB", under_load("resident", MIB), at_rest("resident", MIB)),
        "in-use": picture("Memory of malloc in use", "KiB", at_rest("in_use", 1024)),
        "descriptors": picture("Descriptors", "", under_load("descriptors", together=max), at_rest("descriptors"),
                               from_zero=True),
        "threads": picture("Threads", "", under_load("threads", together=max), at_rest("threads"), from_zero=True),
        "interrupts": picture("Interrupts a second, of all lines", "per s", Curve("counted", rate(recording.samples)),
                              from_zero=True),
        "hold": picture("Longest hold of a lock in each process so far", "ms",
                        Curve("longest of all lines", lives(
                            recording.samples, lambda sample: sample.longest_hold * 1e3), together=max),
                        from_zero=True),
        "answers": picture("Answers to root", "ms", times, own, from_zero=True),
    }


def slow(values):
    return percentile(values, 0.999)
