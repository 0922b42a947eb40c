"""Whether a recording shows the daemon healthy. Each judgement says what it measured and what it is held against.

Counts, descriptors and threads at rest, and what clients saw are judged in every run. A slope of memory is judged by
its interval of 95 %: if all of it lies above the bound there is a leak, if all of it lies below there is none. If the
bound lies within, the run cannot tell; that is a failure only of a run that is long enough to tell. Slopes and times
are judged only in runs of ten minutes and more: in a shorter one the memory is still warming up, and a few bad moments
of the machine are the 99.9th percentile. Times may exceed their bounds by what the machine is late anyway, as a client
measures beside each answer, and time for which the control thread was ready to run is none that it took.
"""
import dataclasses
import math

from recording import percentile
from slope import fit

# Bytes a minute.
LEAK = 1024
# Of the first life's rests, the part that is warm-up.
WARM_UP = 0.25
# From here on slopes and times are judged; from here on a slope that cannot be told is a failure.
JUDGED_FROM, DECIDES_FROM = 600, 7200
LEAST_RESTS = 20
LONGEST_HOLD = 0.100
LONGEST_ANSWER = 0.050

PASSED, FAILED, OPEN = "passed", "FAILED", "not judged"


@dataclasses.dataclass
class Judgement:
    name: str
    verdict: str
    figures: str
    bound: str


def judge(recording):
    is_judged = recording.seconds >= JUDGED_FROM
    return [
        counts(recording),
        *(slope_of_memory(recording, *kind, is_judged)
          for kind in (("resident memory", "resident"), ("memory in use", "in_use"))),
        at_rest(recording, "descriptors"),
        at_rest(recording, "threads"),
        holds(recording, is_judged),
        answers(recording, is_judged),
        load(recording),
        Judgement("what clients saw", FAILED if recording.faults else PASSED,
                  "; ".join(recording.faults[:5]) or "no wrong answer", "none"),
    ]


def counts(recording):
    """Each line's count is what was raised. After a crash it cannot be more, and the kernel has what was not read."""
    wrong = []
    for count in recording.counts:
        whole = count.counted + count.left
        if whole > count.raised or whole < count.raised and count.moment != "crash":
            wrong.append(f"{count.line} at {count.time:.0f} s ({count.moment}): {count.raised} raised, "
                         f"{count.counted} counted, {count.left} left")
    exact = [count for count in recording.counts if count.moment != "crash"]
    last = {(count.life, count.line): count.raised for count in exact}
    figures = (f"{sum(last.values())} interrupts in {len({count.life for count in recording.counts})} processes, "
               f"{len(exact)} comparisons")
    is_right = not wrong and exact
    return Judgement("counts", PASSED if is_right else FAILED, "; ".join(wrong[:5]) or figures, "counted = raised")


def steady(recording):
    """The rests of the first life after the warm-up."""
    rests = [rest for rest in recording.rests if rest.life == 0]
    return rests[math.ceil(len(rests) * WARM_UP):]


def slope_of_memory(recording, name, field, is_judged):
    rests = steady(recording)
    bound = f"{LEAK / 1024:.0f} KiB a minute"
    if len(rests) < 3:
        return Judgement(f"slope of {name}", OPEN if not is_judged else FAILED, f"{len(rests)} rests", bound)
    slope = fit([(rest.time / 60, getattr(rest, field)) for rest in rests])
    figures = (f"{slope.value / 1024:+.2f} KiB a minute ({slope.low / 1024:+.2f} to {slope.high / 1024:+.2f}), "
               f"{len(rests)} rests in {(rests[-1].time - rests[0].time) / 60:.1f} minutes")
    is_told = is_judged and len(rests) >= LEAST_RESTS
    if is_told and slope.low > LEAK:
        verdict = FAILED
    elif is_told and slope.high < LEAK:
        verdict = PASSED
    else:
        verdict = OPEN if recording.seconds < DECIDES_FROM else FAILED
    return Judgement(f"slope of {name}", verdict, figures, bound)


def at_rest(recording, field):
    """They have no slope, and there are not more of them at the end than after the warm-up."""
    rests = steady(recording)
    numbers = [getattr(rest, field) for rest in rests]
    if len(rests) < 2:
        return Judgement(f"{field} at rest", FAILED, f"{len(rests)} rests", "no more at the end")
    figures = f"{numbers[0]} after the warm-up, {numbers[-1]} at the end, at most {max(numbers)}"
    rises = numbers[-1] > numbers[0]
    if len(rests) >= LEAST_RESTS:
        slope = fit([(rest.time / 60, number) for rest, number in zip(rests, numbers)])
        figures += f", slope {slope.value:+.3f} a minute"
        rises = rises or slope.value > 0
    return Judgement(f"{field} at rest", FAILED if rises else PASSED, figures, "slope 0, no more at the end")


def timed(name, longest, bound, allowance, figures, is_judged):
    verdict = OPEN if not is_judged else PASSED if longest <= bound + allowance else FAILED
    return Judgement(name, verdict, figures,
                     f"{bound * 1e3:.0f} ms, and {allowance * 1e3:.1f} ms for the machine")


def holds(recording, is_judged):
    longest = max((sample.longest_hold for sample in recording.samples), default=0)
    late = max((answer.lateness for answer in recording.answers), default=0)
    if longest == 0:
        return Judgement("longest hold", FAILED, "no lock was held", f"{LONGEST_HOLD * 1e3:.0f} ms")
    return timed("longest hold", longest, LONGEST_HOLD, late, f"{longest * 1e3:.2f} ms", is_judged)


def answers(recording, is_judged):
    name = "answers"
    if not recording.answers:
        return Judgement(name, FAILED, "no answer", f"{LONGEST_ANSWER * 1e3:.0f} ms")
    times = [answer.seconds for answer in recording.answers]
    slow = percentile([answer.own for answer in recording.answers], 0.999)
    late = percentile([answer.lateness for answer in recording.answers], 0.999)
    figures = (f"{len(times)}, median {percentile(times, 0.5) * 1e3:.2f} ms, 99.9 % within "
               f"{percentile(times, 0.999) * 1e3:.1f} ms, longest {max(times) * 1e3:.1f} ms; "
               f"without the wait for a processor 99.9 % within {slow * 1e3:.1f} ms")
    return timed(name, slow, LONGEST_ANSWER, late, figures, is_judged)


def load(recording):
    """Each kind of load was made: a soak that did nothing proves nothing."""
    missing = [kind for kind, count in recording.load.items() if not count]
    figures = ", ".join(f"{count} {kind}" for kind, count in sorted(recording.load.items()))
    is_made = recording.load and not missing
    return Judgement("load", PASSED if is_made else FAILED, figures or "none", "each kind at least once")
