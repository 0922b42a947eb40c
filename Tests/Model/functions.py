#!/usr/bin/env python3
"""Which function of the code each process of a model is, and whether the function is as it was when the model was last
compared with it.

functions.txt has a line for each: model, process, file, declaration, hash. The hash is of the function's code without
comments and white space. When you change one of these functions, compare it with the model, change the model if it
says something else now, and then take over the new hashes:

    Tests/Model/functions.py accept MODEL
"""

import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LIST = HERE / "functions.txt"


def body(text, declaration):
    """The code from the declaration to its closing brace, without comments and white space."""
    text = re.sub(r"\s+", " ", re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S))
    start = text.find(declaration)
    if start < 0:
        raise ValueError(f"there is no {declaration!r}")
    if text.find(declaration, start + 1) >= 0:
        raise ValueError(f"there are several of {declaration!r}")
    depth, place = 0, text.index("{", start)
    for end in range(place, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return re.sub(r"\s+", "", text[start:end + 1])
    raise ValueError(f"{declaration!r} does not end")


def digest(root, file, declaration):
    return hashlib.sha256(body((root / file).read_text(), declaration).encode()).hexdigest()[:12]


def rows(path=LIST):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            model, process, file, rest = line.split(maxsplit=3)
            declaration, known = rest.rsplit(maxsplit=1)
            yield model, process, file, declaration, known


def faults(root=ROOT, path=LIST):
    """The functions that have changed since."""
    for model, process, file, declaration, known in rows(path):
        try:
            now = digest(root, file, declaration)
        except (OSError, ValueError) as error:
            yield f"{file}: {error}; {model}.pml's {process} is made of it"
            continue
        if now != known:
            yield (f"{file}: {declaration!r} has changed: compare it with {process} of {model}.pml, "
                   f"then run Tests/Model/functions.py accept {model}")


def accept(wanted):
    lines = []
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#") and line.split()[0] == wanted:
            model, process, file, rest = line.split(maxsplit=3)
            declaration = rest.rsplit(maxsplit=1)[0]
            line = f"{model} {process} {file} {declaration} {digest(ROOT, file, declaration)}"
        lines.append(line)
    LIST.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "accept":
        accept(sys.argv[2])
    elif len(sys.argv) == 1:
        found = list(faults())
        print("\n".join(found) or "every function is as its model has it")
        sys.exit(bool(found))
    else:
        sys.exit(__doc__)
