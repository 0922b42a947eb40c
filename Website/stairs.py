"""Stairs: each step has what the steps before it have, and more.

    step NAME: TEXT      a step, and who stands on it
    adds TEXT            what it adds
"""
from canvas import LINE, WIDTH, Canvas, DiagramFailure, wrapped

TOP, GAP, RISE, NAME = 50, 8, 46, 300


class Stairs:
    def __init__(self, title, lines):
        self.canvas, self.steps = Canvas(title), []
        for number, line in lines:
            word, _, rest = line.partition(" ")
            if word == "step":
                name, _, who = rest.partition(": ")
                self.steps.append((name, who, []))
            elif word == "adds" and self.steps:
                self.steps[-1][2].append(rest)
            else:
                raise DiagramFailure(f"line {number}: {line!r} is neither `step NAME: TEXT` nor, below a step, `adds TEXT`")

    def svg(self):
        y = TOP
        for index, (name, who, adds) in enumerate(self.steps):
            y += self._step(index, y, name, wrapped(who, NAME - 24), adds) + GAP
        return self.canvas.svg(y + 12)

    def _step(self, index, y, name, who, adds):
        x = 20 + index * RISE
        left = x + NAME + GAP
        room = WIDTH - 20 - left
        lines = [line for text in adds for line in wrapped(text, room - 24)]
        height = max(len(who) + 1, len(lines)) * LINE + 16
        self.canvas.box(x, y, NAME, height, "head")
        self.canvas.text(x + 12, y + 21, [name], "strong", "start")
        self.canvas.text(x + 12, y + 21 + LINE, who, "", "start")
        self.canvas.box(left, y, room, height)
        self.canvas.text(left + 12, y + 21, lines, "", "start")
        for step in range(index):
            # What carries it: the steps before.
            self.canvas.line(20 + step * RISE + RISE / 2, y, 20 + step * RISE + RISE / 2, y + height, "rule")
        return height
