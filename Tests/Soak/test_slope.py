"""The slope is right, outliers do not move it, and its interval is as wide as the noise makes it."""
import random

from slope import fit

TIMES = [number / 2 for number in range(100)]


def noise(chance, likeness):
    """Values each of which resembles the one before."""
    value = 0
    while True:
        value = likeness * value + chance.gauss(0, 1)
        yield value


def test_of_a_line_it_is_the_lines_and_the_interval_is_nothing():
    slope = fit([(time, 3 * time + 7) for time in TIMES])
    assert all(abs(value - 3) < 1e-9 for value in (slope.value, slope.low, slope.high))


def test_outliers_do_not_move_it():
    points = [(time, 3 * time) for time in TIMES]
    for place in range(5, 100, 10):
        points[place] = (points[place][0], 1e6)
    slope = fit(points)
    assert 2.9 < slope.low <= slope.high < 3.1


def test_of_what_stands_still_it_is_nothing():
    assert fit([(time, 128) for time in TIMES]).value == 0


def covered(likeness):
    """In how many of 200 noisy lines of slope 0 the interval has 0 in it."""
    found = 0
    for seed in range(200):
        values = noise(random.Random(seed), likeness)
        slope = fit([(time, next(values)) for time in TIMES[:60]])
        found += slope.low <= 0 <= slope.high
    return found


def test_the_interval_holds_the_truth_95_times_in_100():
    assert covered(0) >= 184


def test_where_neighbours_resemble_each_other_the_interval_is_wider():
    # Without the widening it is some 135.
    assert covered(0.6) >= 176
