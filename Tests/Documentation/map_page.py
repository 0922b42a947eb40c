"""docs/architecture.md as data: floors, pairs, rooms and circles, read from its tables.

A table belongs to the heading above it. The tables are known by their headings: "Floors", "Pairs on one floor",
"Rooms of `TARGET`" and "Circles". Names of targets, rooms and files stand between backticks in them.
"""
import re
from typing import NamedTuple

TICKED = re.compile(r"`([^`]+)`")


class Circle(NamedTuple):
    target: str
    files: frozenset
    line: int


class MapPage:
    def __init__(self, text):
        self.floors, self.lines, self.pairs, self.rooms, self.circles = {}, {}, set(), {}, []
        for heading, line, cells in _rows(text):
            if heading == "Floors":
                for name in TICKED.findall(cells[1]):
                    self.floors[name] = int(cells[0])
                    self.lines[name] = line
            elif heading == "Pairs on one floor":
                self.pairs.add(frozenset(TICKED.findall(cells[0])))
            elif heading == "Circles":
                self.circles.append(Circle(TICKED.findall(cells[0])[0], frozenset(TICKED.findall(cells[1])), line))
            elif match := re.fullmatch(r"Rooms of `(\w+)`", heading):
                rooms = self.rooms.setdefault(match.group(1), {})
                for room in TICKED.findall(cells[0]):
                    rooms[room.rstrip("/")] = [name.rstrip("/") for name in TICKED.findall(cells[2])]

    def allowed_rooms(self, target, room):
        """The rooms that a room may name: those of its row, and those that these may name."""
        rooms, open_, reached = self.rooms[target], [room], {room}
        while open_:
            for name in rooms.get(open_.pop(), []):
                if name in rooms and name not in reached:
                    reached.add(name)
                    open_.append(name)
        return reached

    def may_import(self, target, other):
        """Whether the floors allow `target` to know `other`."""
        if self.floors[other] < self.floors[target]:
            return True
        return self.floors[other] == self.floors[target] and frozenset((target, other)) in self.pairs


def _rows(text):
    """The rows below the head of every table, with the heading above it."""
    heading, previous = "", None
    body = False
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"#+ (.*)", line):
            heading = match.group(1).strip()
        if not line.startswith("|"):
            body = False
        elif re.fullmatch(r"[|\s:-]+", line):
            body = True
        elif body:
            yield heading, number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
