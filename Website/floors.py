"""The house: the floors and rooms of docs/architecture.md, each target with a few words.

    target NAME [NAME]...: TEXT   one box; the page says on which floor
    rooms NAME                    the target's box shows its rooms

The page is what `make test-docs` holds against the code, so a target that has no words here, or that the page does not
have, is an error.
"""
from canvas import LINE, WIDTH, Canvas, DiagramFailure, wrapped

TOP, LEFT, GAP = 50, 92, 10


class House:
    def __init__(self, title, lines, page):
        self.canvas, self.page, self.y = Canvas(title), page, TOP
        self.boxes, self.rooms = [], set()
        for number, line in lines:
            word, _, rest = line.partition(" ")
            names, _, text = rest.partition(": ")
            if word == "rooms":
                self.rooms.add(rest)
            elif word == "target" and text:
                self.boxes.append((names.split(), text))
            else:
                raise DiagramFailure(f"line {number}: {line!r} is neither `target NAME...: TEXT` nor `rooms NAME`")
        named = [name for names, _ in self.boxes for name in names]
        for name in sorted(set(page.floors) ^ set(named)):
            raise DiagramFailure(
                f"docs/architecture.md has no target {name}: take it out" if name in named else
                f"the target {name} of docs/architecture.md has no line: write `target {name}: TEXT`")

        for names, _ in self.boxes:
            if len({page.floors[name] for name in names}) > 1:
                raise DiagramFailure(f"{', '.join(names)} are on different floors: write a line for each floor")

    def svg(self):
        for floor in sorted(set(self.page.floors.values()), reverse=True):
            self._floor(floor)
        return self.canvas.svg(self.y + 10)

    def _floor(self, floor):
        row = [(names, text) for names, text in self.boxes if self.page.floors[names[0]] == floor]
        width = (WIDTH - LEFT - 20 - GAP * (len(row) - 1)) / len(row)
        drawn = [(wrapped(", ".join(names), width - 14), wrapped(text, width - 14), self._rooms(names)) for names, text in row]
        height = max(len(heads) * LINE + len(lines) * LINE + 14 + (44 if rooms else 0) for heads, lines, rooms in drawn)
        self.canvas.text(20, self.y + height / 2 + 4, [f"floor {floor}"], "soft", "start")
        for index, (heads, lines, rooms) in enumerate(drawn):
            x = LEFT + index * (width + GAP)
            self.canvas.box(x, self.y, width, height, "head" if rooms else "box")
            self.canvas.text(x + width / 2, self.y + 20, heads, "strong")
            self.canvas.text(x + width / 2, self.y + 20 + len(heads) * LINE, lines, "soft" if not rooms else "")
            self._draw_rooms(rooms, x + 10, self.y + height - 42, width - 20)
        self.y += height + GAP

    def _rooms(self, names):
        return [room for name in names if name in self.rooms for room in self.page.rooms[name]]

    def _draw_rooms(self, rooms, x, y, width):
        for index, room in enumerate(rooms):
            step = width / len(rooms)
            self.canvas.box(x + index * step + 3, y, step - 6, 32)
            self.canvas.text(x + (index + 0.5) * step, y + 21, [room])
