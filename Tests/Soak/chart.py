"""A curve over the time of a soak as an SVG that is legible on light and on dark pages, and small: however long the
soak was, a curve has at most 240 points.
"""
import html
import math

WIDTH, HEIGHT = 860, 260
LEFT, TOP, RIGHT, BOTTOM = 74, 34, 16, 40
POINTS = 240

STYLE = """<style>
svg { font: 12px sans-serif; color-scheme: light dark }
text { fill: #24292f } .title { font-size: 15px }
.grid { stroke: #d0d7de } .crash { stroke: #cf222e } .restart { stroke: #8250df }
.crash, .restart { stroke-dasharray: 3 3; opacity: .6 }
.first { stroke: #0969da } .second { stroke: #bc4c00 } polyline { fill: none; stroke-width: 1.4 }
circle.first { fill: #0969da } circle.second { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .grid { stroke: #3d444d } .crash { stroke: #ff7b72 } .restart { stroke: #d2a8ff }
  .first { stroke: #58a6ff } .second { stroke: #ffa657 }
  circle.first { fill: #58a6ff } circle.second { fill: #ffa657 }
}
</style>"""


class Curve:
    """(time, value) points with a name, as a line or as dots. A None in place of a point interrupts the line.

    `together` makes one value of those that share a place of the picture: max for what must not be overlooked.
    """

    def __init__(self, name, points, dots=False, together=None):
        self.name, self.dots = name, dots
        self.together = together or (lambda values: sum(values) / len(values))
        self.points = points

    def pieces(self, seconds):
        """Lists of points, thinned."""
        pieces, places = [], {}
        for point in [*self.points, None]:
            if point is not None:
                places.setdefault(int(point[0] / seconds * POINTS), []).append(point)
            elif places:
                pieces.append([(sum(time for time, _ in group) / len(group),
                                self.together([value for _, value in group])) for group in places.values()])
                places = {}
        return pieces


def steps(low, high):
    """Round numbers from below `low` to above `high`, some five of them."""
    if high <= low:
        high = low + 1
    raw = (high - low) / 5
    step = 10 ** math.floor(math.log10(raw))
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= raw)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, last + 1)]


def draw(title, unit, seconds, curves, ends=(), from_zero=False):
    """The picture. `ends` are (time, class) of vertical lines."""
    drawn = [(curve, curve.pieces(seconds)) for curve in curves]
    values = [value for _, pieces in drawn for piece in pieces for _, value in piece] or [0]
    marks = steps(0 if from_zero else min(values), max(values))
    low, high = marks[0], marks[-1]

    def x(time):
        return round(LEFT + time / seconds * (WIDTH - LEFT - RIGHT), 1)

    def y(value):
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
             f'height="{HEIGHT}" role="img"><title>{html.escape(title)}</title>', STYLE,
             f'<text class="title" x="{LEFT}" y="20">{html.escape(title)}</text>']
    for mark in marks:
        lines.append(f'<path class="grid" d="M{LEFT} {y(mark)}H{WIDTH - RIGHT}"/>'
                     f'<text x="{LEFT - 6}" y="{y(mark) + 4}" text-anchor="end">{mark:,.10g}</text>')
    minutes = seconds >= 300
    for mark in steps(0, seconds / 60 if minutes else seconds):
        time = mark * 60 if minutes else mark
        if time <= seconds:
            lines.append(f'<text x="{x(time)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{mark:g}</text>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">'
                 f'{"minutes" if minutes else "seconds"}</text>'
                 f'<text x="{LEFT - 6}" y="20" text-anchor="end">{html.escape(unit)}</text>')
    for time, kind in ends:
        lines.append(f'<path class="{kind}" d="M{x(time)} {TOP}V{HEIGHT - BOTTOM}"/>')
    for number, (curve, pieces) in enumerate(drawn):
        color = ("first", "second")[number % 2]
        place = LEFT + number * 220
        lines.append(f'<circle class="{color}" cx="{place}" cy="{HEIGHT - 12}" r="4"/>'
                     f'<text x="{place + 10}" y="{HEIGHT - 8}">{html.escape(curve.name)}</text>')
        for piece in pieces:
            places = [(x(time), y(value)) for time, value in piece]
            if curve.dots:
                lines += [f'<circle class="{color}" cx="{one}" cy="{other}" r="2"/>' for one, other in places]
            else:
                text = " ".join(f"{one},{other}" for one, other in places)
                lines.append(f'<polyline class="{color}" points="{text}"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"
