"""A diagram as an SVG that is legible on light and on dark pages, wherever it stands: it has a ground of its own."""
import html
import textwrap

WIDTH = 900
# The width of a character of 13 px, for the widest of the fonts that readers have.
CHARACTER, LINE = 7.4, 17

STYLE = """<style>
svg { font: 13px system-ui, "DejaVu Sans", sans-serif; color-scheme: light dark }
text { fill: #1f2328 } .soft { fill: #59636e } .title { font-size: 16px; font-weight: 600 } .strong { font-weight: 600 }
.ground { fill: #ffffff } .box { fill: #f6f8fa; stroke: #8c959f } .head { fill: #ddeaff; stroke: #0b57d0 }
.held { fill: #fff3d6; stroke: #bf8700 } .life { stroke: #8c959f; stroke-dasharray: 4 4 }
.arrow { stroke: #0b57d0; stroke-width: 1.5; fill: none } .tip { fill: #0b57d0 } .rule { stroke: #8c959f; stroke-dasharray: 2 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .soft { fill: #9aa4af }
  .ground { fill: #0d1117 } .box { fill: #1b222c; stroke: #6e7681 } .head { fill: #1c3350; stroke: #7ab7ff }
  .held { fill: #3a2e0d; stroke: #d4a72c } .life { stroke: #6e7681 }
  .arrow { stroke: #7ab7ff } .tip { fill: #7ab7ff } .rule { stroke: #6e7681 }
}
</style>"""


class DiagramFailure(Exception):
    """Says which line of which text is wrong, and what to write."""


def wrapped(text, width):
    """The lines of a text that stands in so many pixels."""
    return textwrap.wrap(text, max(6, int(width / CHARACTER)), break_long_words=False) or [""]


class Canvas:
    def __init__(self, title):
        self.title = title
        self.behind, self.parts = [], [f'<text class="title" x="20" y="30">{html.escape(title)}</text>']

    def box(self, x, y, width, height, kind="box", is_behind=False):
        part = f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        (self.behind if is_behind else self.parts).append(part)

    def text(self, x, y, lines, kind="", anchor="middle"):
        """Lines, the first of which has its foot at `y`."""
        for index, line in enumerate(lines):
            self.parts.append(
                f'<text class="{kind}" x="{x:g}" y="{y + index * LINE:g}" text-anchor="{anchor}">{html.escape(line)}</text>')

    def line(self, x, y, other_x, other_y, kind):
        """A line behind everything that is drawn."""
        self.behind.insert(0, f'<path class="{kind}" d="M{x:g} {y:g}L{other_x:g} {other_y:g}"/>')

    def arrow(self, x, other_x, y, both=False):
        """An arrow to `other_x`, with a tip at each end if it goes both ways."""
        self.parts.append(f'<path class="arrow" d="M{x:g} {y:g}H{other_x:g}"/>')
        for end, start in ((other_x, x), (x, other_x))[:2 if both else 1]:
            back = end - 9 if end > start else end + 9
            self.parts.append(f'<path class="tip" d="M{end:g} {y:g}L{back:g} {y - 4.5:g}V{y + 4.5:g}z"/>')

    def svg(self, height):
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
            f'role="img"><title>{html.escape(self.title)}</title>', STYLE,
            f'<rect class="ground" width="{WIDTH}" height="{height:g}"/>', *self.behind, *self.parts, "</svg>"]) + "\n"
