"""tutorial.py PAGE KIND: runs the Python blocks of a page that are marked with KIND, in one namespace and in order. A
text block that follows one is what that block prints. `tutorial.py PAGE --print KIND` prints the blocks instead.

A mark is a comment before the block: <!-- run: demo card -->.
"""
import contextlib
import io
import re
import sys
from typing import NamedTuple

BLOCK = re.compile(r"^<!-- run: ([\w ]+) -->\n```(\w+)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.M | re.S)
FENCE = re.compile(r"^```(\w+)$", re.M)


class Block(NamedTuple):
    """A marked block, and the line that its text begins at."""

    kinds: set
    language: str
    text: str
    expected: str | None
    line: int


def blocks(page):
    return [Block(set(found[1].split()), found[2], found[3], found[4], page.count("\n", 0, found.start(3)) + 1)
            for found in BLOCK.finditer(page)]


def unmarked(page):
    """Blocks of code that no mark precedes: they would never run."""
    marked = len(BLOCK.findall(page))
    return sum(language != "text" for language in FENCE.findall(page)) - marked


def run(page, kind, name="the page"):
    """The number of blocks that ran. AssertionError if one prints something other than the page says."""
    namespace, count = {"__name__": "__main__"}, 0
    for block in blocks(page):
        if kind not in block.kinds or block.language != "python":
            continue
        # The lines of a traceback are those of the page.
        code = compile("\n" * (block.line - 1) + block.text, name, "exec")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, namespace)
        assert block.expected in (None, said.getvalue()), (
            f"{name}:{block.line}: it printed {said.getvalue()!r}, and the page says {block.expected!r}")
        print(said.getvalue(), end="")
        count += 1
    assert count, f"{name} has no block for {kind}"
    return count


def main():
    path, *rest = sys.argv[1:]
    with open(path) as file:
        page = file.read()
    if rest[0] == "--print":
        print("".join(block.text for block in blocks(page) if rest[1] in block.kinds), end="")
    else:
        print(f"{run(page, rest[0], path)} blocks ran")


if __name__ == "__main__":
    main()
