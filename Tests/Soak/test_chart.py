"""Pictures are well-formed, small, legible on light and dark pages, and lose no peak and no gap."""
import re
import xml.etree.ElementTree as xml

from chart import HEIGHT, WIDTH, Curve, draw, steps

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(*curves, seconds=1000, **more):
    text = draw("Memory <at> rest", "MiB", seconds, curves, **more)
    return text, xml.fromstring(text)


def lines(tree):
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
            for line in tree.iter(SPACE + "polyline")]


def test_a_picture_has_a_dark_form_and_no_background_of_its_own():
    text, tree = drawn(Curve("memory", [(0, 1), (1000, 2)]))
    assert "prefers-color-scheme: dark" in text
    assert not list(tree.iter(SPACE + "rect"))


def test_every_point_is_in_the_picture_and_later_ones_are_to_the_right():
    _, tree = drawn(Curve("memory", [(time, time % 70) for time in range(1000)]))
    points, = lines(tree)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points == sorted(points)


def test_a_long_soak_makes_no_larger_picture_and_hides_no_peak():
    values = [(time / 100, 0) for time in range(100_000)]
    values[50_000] = (500, 90)
    text, tree = drawn(Curve("hold", values, together=max))
    assert len(text) < 10_000
    points, = lines(tree)
    assert min(y for _, y in points) < HEIGHT / 2 < max(y for _, y in points)


def test_between_two_processes_the_line_is_interrupted_and_the_end_is_marked():
    text, tree = drawn(Curve("memory", [(0, 1), (400, 2), None, (600, 1), (900, 2)]), ends=[(500, "crash")])
    assert len(lines(tree)) == 2
    assert re.search(r'<path class="crash" d="M\d', text)


def test_rests_are_dots():
    _, tree = drawn(Curve("at rest", [(10, 1), (900, 2)], dots=True))
    assert len([dot for dot in tree.iter(SPACE + "circle") if dot.get("r") == "2"]) == 2


def test_an_axis_has_round_numbers_around_all_values():
    assert steps(0, 9.3) == [0, 2, 4, 6, 8, 10]
    assert steps(31.2, 33.9)[0] <= 31.2 and steps(31.2, 33.9)[-1] >= 33.9
    assert len(steps(5, 5)) > 1
