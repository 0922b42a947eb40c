"""A sequence of steps: actors as columns, messages as arrows from one to another, time downwards.

    actor NAME: LABEL        a column
    NAME -> OTHER: TEXT      a message; <-> is a question with its answer
    NAME: TEXT               something that the actor does
    hold NAME: TEXT          from here to `release NAME` the actor holds what TEXT says
    later TEXT               a rule across, with what has passed
"""
import re

from canvas import LINE, WIDTH, Canvas, DiagramFailure, wrapped

MESSAGE = re.compile(r"(\w+) (->|<->) (\w+): (.+)")
EVENT = re.compile(r"(\w+): (.+)")
TOP, GAP, BAR = 50, 12, 11


class Sequence:
    def __init__(self, title, lines):
        self.canvas, self.y = Canvas(title), TOP
        self.labels, steps = {}, []
        for number, line in lines:
            if line.startswith("actor "):
                name, _, label = line.removeprefix("actor ").partition(": ")
                self.labels[name] = label or name
            else:
                steps.append((number, line))
        self.width = WIDTH / max(1, len(self.labels))
        self.columns = {name: (index + 0.5) * self.width for index, name in enumerate(self.labels)}
        self.held = {}
        self._heads()
        for number, line in steps:
            self._step(number, line)
        if self.held:
            raise DiagramFailure(f"{', '.join(self.held)} holds to the end: write a line `release NAME`")

    def svg(self):
        for x in self.columns.values():
            self.canvas.line(x, TOP + 30, x, self.y + 4, "life")
        return self.canvas.svg(self.y + 18)

    def _heads(self):
        for name, x in self.columns.items():
            self.canvas.box(x - self.width / 2 + 14, TOP, self.width - 28, 32, "head")
            self.canvas.text(x, TOP + 21, [self.labels[name]], "strong")
        self.y = TOP + 32 + GAP + 4

    def _column(self, number, name):
        if name not in self.columns:
            raise DiagramFailure(f"line {number}: there is no actor {name}: write a line `actor {name}: LABEL`")
        return self.columns[name]

    def _step(self, number, line):
        word, _, rest = line.partition(" ")
        if word == "later":
            self._later(rest)
        elif word == "hold":
            name, _, text = rest.partition(": ")
            self.held[name] = self.y
            self._event(self._column(number, name), text, "held")
        elif word == "release":
            if rest not in self.held:
                raise DiagramFailure(f"line {number}: {rest} holds nothing: write a line `hold {rest}: TEXT` before")
            begin, x = self.held.pop(rest), self._column(number, rest)
            self.canvas.box(x - BAR, begin, 2 * BAR, self.y - begin, "held", is_behind=True)
            self.y += GAP
        elif match := MESSAGE.fullmatch(line):
            name, kind, other, text = match.groups()
            self._message(number, name, other, text, kind == "<->")
        elif match := EVENT.fullmatch(line):
            self._event(self._column(number, match.group(1)), match.group(2))
        else:
            raise DiagramFailure(f"line {number}: {line!r} is neither an actor, a message, an event, hold, release nor later")

    def _message(self, number, name, receiver, text, both):
        x, other = self._column(number, name), self._column(number, receiver)
        lines = wrapped(text, abs(x - other) - 36)
        # Words cross the life lines between: they have a ground of their own.
        longest = max(map(len, lines)) * 7.4
        if abs(x - other) > self.width * 1.5:
            self.canvas.box((x + other - longest) / 2, self.y, longest, len(lines) * LINE + 2, "ground")
        self.canvas.text((x + other) / 2, self.y + 14, lines)
        self.y += len(lines) * LINE + 6
        step = BAR if other > x else -BAR
        self.canvas.arrow(x + step * (name in self.held), other - step * (receiver in self.held), self.y, both)
        self.y += GAP + 4

    def _event(self, x, text, kind="box"):
        lines = wrapped(text, self.width - 34)
        height = len(lines) * LINE + 10
        self.canvas.box(x - self.width / 2 + 12, self.y, self.width - 24, height, kind)
        self.canvas.text(x, self.y + 18, lines, "strong" if kind == "held" else "")
        self.y += height + GAP

    def _later(self, text):
        self.canvas.line(14, self.y + 8, WIDTH - 14, self.y + 8, "rule")
        width = len(text) * 7.4 + 16
        self.canvas.box((WIDTH - width) / 2, self.y - 2, width, 22, "ground")
        self.canvas.text(WIDTH / 2, self.y + 13, [text], "soft")
        self.y += 22 + GAP
