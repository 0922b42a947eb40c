"""Each judgement passes a healthy recording and fails one with a planted fault."""
import dataclasses
import math
import random

import pytest
from judge import DECIDES_FROM, FAILED, OPEN, PASSED, judge
from recording import Answer, Count, Recording, Rest, Sample

KIB, MIB = 1 << 10, 1 << 20
HOUR = 3600
SEED = 20261130


def recording(seconds=2 * HOUR, leak=0, noise=8 * KIB):
    """Of a healthy daemon whose memory warms up and then grows by `leak` bytes a minute."""
    chance = random.Random(SEED)
    made = Recording(seconds)
    turn = min(max(seconds / 120, 8), 60)
    for number in range(1, int(seconds * 0.75 / turn) + 1):
        time = number * turn
        memory = 30 * MIB - 4 * MIB * math.exp(-time / 60) + leak * time / 60 + chance.gauss(0, noise)
        in_use = int(memory * 2 / 3 + leak * time / 180)
        made.rests.append(Rest(time, 0, int(memory) // 4096 * 4096, in_use, descriptors=128, threads=48))
        made.samples.append(Sample(time, 0, int(memory) + 4 * MIB, 300, 55, number * 1000, 0.002))
        made.counts.append(Count(time, 0, "own-0", "rest", number * 1000, number * 1000))
        made.answers += [Answer(time, 0.001, 0.0005, 0.0005)] * 20
    made.counts.append(Count(seconds - 20, 1, "own-0", "restart", 500, 480, left=20))
    made.counts.append(Count(seconds, 2, "own-0", "crash", 500, 100, left=20))
    made.made({"attach": 4, "crashes": 1})
    return made


def verdicts(made):
    return {one.name: one.verdict for one in judge(made)}


def test_a_healthy_daemon_passes_every_judgement():
    assert set(verdicts(recording()).values()) == {PASSED}


@pytest.mark.parametrize("memory", ["resident memory", "memory in use"])
def test_a_leak_of_two_kibibytes_a_minute_fails(memory):
    assert verdicts(recording(leak=2 * KIB))[f"slope of {memory}"] == FAILED


def test_a_leak_of_half_a_kibibyte_a_minute_is_within_the_bound():
    assert set(verdicts(recording(leak=KIB // 2, noise=KIB)).values()) == {PASSED}


def test_a_large_leak_fails_in_twenty_minutes():
    found = verdicts(recording(20 * 60, leak=100 * KIB))
    assert found["slope of resident memory"] == found["slope of memory in use"] == FAILED


def test_where_noise_hides_the_bound_a_short_run_is_not_judged_and_a_full_one_fails():
    assert verdicts(recording(20 * 60, noise=MIB))["slope of resident memory"] == OPEN
    assert verdicts(recording(DECIDES_FROM, noise=4 * MIB))["slope of resident memory"] == FAILED


def test_a_minute_judges_no_slope_and_no_time_but_all_else():
    found = verdicts(recording(60, leak=MIB))
    not_judged = {name for name, verdict in found.items() if verdict == OPEN}
    assert not_judged == {"slope of resident memory", "slope of memory in use", "longest hold", "answers"}
    assert {verdict for name, verdict in found.items() if name not in not_judged} == {PASSED}


@pytest.mark.parametrize("seconds", [60, 2 * HOUR])
@pytest.mark.parametrize("moment", ["rest", "restart"])
def test_one_lost_count_fails(seconds, moment):
    made = recording(seconds)
    count = next(one for one in made.counts if one.moment == moment)
    count.counted -= 1
    assert verdicts(made)["counts"] == FAILED
    assert f"({moment})" in next(one.figures for one in judge(made) if one.name == "counts")


@pytest.mark.parametrize("moment", ["rest", "restart", "crash"])
def test_more_counted_than_was_raised_fails(moment):
    made = recording()
    count = next(one for one in made.counts if one.moment == moment)
    count.counted = count.raised - count.left + 1
    assert verdicts(made)["counts"] == FAILED


def test_what_a_crash_took_along_is_no_lost_count():
    made = recording()
    made.counts[-1].counted = 0
    assert verdicts(made)["counts"] == PASSED


def test_a_run_without_a_comparison_fails():
    made = recording()
    made.counts = [count for count in made.counts if count.moment == "crash"]
    assert verdicts(made)["counts"] == FAILED


@pytest.mark.parametrize("seconds", [60, 2 * HOUR])
@pytest.mark.parametrize("field", ["descriptors", "threads"])
def test_one_more_at_the_end_fails(seconds, field):
    made = recording(seconds)
    made.rests[-1] = dataclasses.replace(made.rests[-1], **{field: getattr(made.rests[-1], field) + 1})
    assert verdicts(made)[f"{field} at rest"] == FAILED


def test_a_descriptor_in_ten_turns_fails_also_if_the_last_rest_hides_it():
    made = recording()
    for number, rest in enumerate(made.rests[:-1]):
        rest.descriptors += number // 10
    assert verdicts(made)["descriptors at rest"] == FAILED


def test_a_lock_held_too_long_fails_and_one_held_while_the_machine_was_late_does_not():
    made = recording()
    made.samples[5].longest_hold = 0.110
    assert verdicts(made)["longest hold"] == FAILED
    made.answers[9].lateness = 0.020
    assert verdicts(made)["longest hold"] == PASSED


def test_a_lock_that_nothing_held_fails():
    made = recording()
    for sample in made.samples:
        sample.longest_hold = 0
    assert verdicts(made)["longest hold"] == FAILED


def test_slow_answers_fail_and_those_of_a_daemon_without_a_processor_do_not():
    made = recording()
    for answer in made.answers[::500]:
        answer.seconds = 0.070
    assert verdicts(made)["answers"] == FAILED
    for answer in made.answers[::500]:
        answer.waited = 0.030
    assert verdicts(made)["answers"] == PASSED


def test_slow_answers_of_a_machine_that_is_late_do_not_fail():
    made = recording()
    for answer in made.answers[::500]:
        answer.seconds = 0.070
    for answer in made.answers[1::500]:
        answer.lateness = 0.025
    assert verdicts(made)["answers"] == PASSED


def test_no_answers_fail():
    made = recording()
    made.answers = []
    assert verdicts(made)["answers"] == FAILED


def test_a_kind_of_load_that_was_not_made_fails():
    made = recording()
    made.made({"restarts": 0})
    assert verdicts(made)["load"] == FAILED
    assert verdicts(dataclasses.replace(made, load={}))["load"] == FAILED


def test_a_wrong_answer_fails():
    made = recording()
    made.faults.append("attach: Closed()")
    assert verdicts(made)["what clients saw"] == FAILED
