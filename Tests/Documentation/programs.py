"""Programs in pages: blocks that a comment marks, put together as a reader would type them.

`<!-- first hour, NAME: WHAT -->` is the line before a fenced block. WHAT is the path of a file, to which the block is
appended after an empty line; `build`, the commands that make the program; or `run`, those that run it.
"""
import re

MARK = re.compile(r"^<!-- first hour, ([^:]+): (.+) -->$")
FENCE = re.compile(r"^```[a-z+]*$")
COMMANDS = ("build", "run")


class PageError(Exception):
    pass


def programs(pages):
    """{NAME: {WHAT: text}} of all pages, which are (name, text)."""
    found = {}
    for page, text in pages:
        lines = text.split("\n")
        for index, line in enumerate(lines):
            if not line.startswith("<!-- first hour"):
                continue
            match = MARK.match(line)
            if not match or not FENCE.match(lines[index + 1] if index + 1 < len(lines) else ""):
                raise PageError(f"{page}:{index + 1}: not a mark in front of a block: {line}")
            try:
                end = lines.index("```", index + 2)
            except ValueError:
                raise PageError(f"{page}:{index + 1}: the block does not end") from None
            name, what = match.groups()
            if what.startswith("/") or ".." in what:
                raise PageError(f"{page}:{index + 1}: {what} is not a path below the program's folder")
            parts = found.setdefault(name, {})
            body = "\n".join(lines[index + 2:end]) + "\n"
            parts[what] = f"{parts[what]}\n{body}" if what in parts else body
    for name, parts in found.items():
        if "run" not in parts or len(parts) < 2:
            raise PageError(f"{name}: it has no file, or nothing that runs it")
    return found


def commands(text):
    """The commands of a block, without their comments; (command, whether it is for a second terminal)."""
    for line in text.splitlines():
        command, _, comment = line.partition(" #")
        if command.strip() and not command.startswith("#"):
            yield command.rstrip(), "second terminal" in comment
