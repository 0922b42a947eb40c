"""Which target knows which, and which file names which: the arrows that docs/architecture.md allows or forbids."""
import pathlib
import re
from typing import NamedTuple

import package_manifest
from swift_source import SwiftFile

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


class Arrow(NamedTuple):
    source: str
    line: int
    name: str
    destination: str

    def __str__(self):
        return f"{self.source}:{self.line} names {self.name} of {self.destination}"


class Tree:
    """Package.swift and Sources below one folder."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.targets = package_manifest.targets((self.root / "Package.swift").read_text())
        self.files = {
            target: {
                str(path.relative_to(self.root)): SwiftFile(path.read_text(), target)
                for path in sorted((self.root / "Sources" / target).rglob("*.swift"))}
            for target in self.targets}

    def dependencies(self):
        """Every arrow from target to target, as Package.swift, imports and includes have it."""
        for target, names in self.targets.items():
            for name, line in names:
                if name in self.targets:
                    yield target, Arrow("Package.swift", line, name, f"Sources/{name}")
        for target, files in self.files.items():
            for path, file in files.items():
                for name, line in file.imports:
                    if name in self.targets and name != target:
                        yield target, Arrow(path, line, name, f"Sources/{name}")
        yield from self._includes()

    def _includes(self):
        headers, sources = {}, []
        for target in self.targets:
            folder = self.root / "Sources" / target
            for path in sorted(folder.rglob("*.h")):
                if "include" in path.relative_to(folder).parts:
                    headers.setdefault(str(path.relative_to(folder / "include")), target)
            sources += [(target, path) for path in sorted(folder.rglob("*")) if path.suffix in (".h", ".c", ".cpp")]
        for target, path in sources:
            text = path.read_text()
            for match in INCLUDE.finditer(text):
                owner = headers.get(match.group(1))
                # A header of the same name beside the file, or in the target, comes first.
                if owner and owner != target and not list((self.root / "Sources" / target).rglob(match.group(1))):
                    line = text.count("\n", 0, match.start(1)) + 1
                    yield target, Arrow(str(path.relative_to(self.root)), line, owner, f"Sources/{owner}")

    def arrows(self, target):
        """Every arrow from file to file within one target; only the first use of a name in a file."""
        files = self.files[target]
        types = {name: path for path, file in files.items() for name in file.types}
        functions = {name: path for path, file in files.items() for name in file.functions}
        nested = _merged(file.nested for file in files.values())
        methods = _merged(file.methods for file in files.values())
        for path, file in files.items():
            own = file.hidden | file.parameters | set(file.types) | set(file.functions)
            inner = set().union(*(nested.get(name, set()) for name in file.extended), file.nested.get(None, set()))
            called = set().union(*(methods.get(name, set()) for name in file.extended), file.methods.get(None, set()))
            seen = set()
            for name, is_called, line in file.uses():
                destination = types.get(name) if name not in inner else None
                if destination is None and is_called and name not in called:
                    destination = functions.get(name)
                if destination is None or destination == path or name in own or name in seen:
                    continue
                seen.add(name)
                yield Arrow(path, line, name, destination)


def _merged(tables):
    merged = {}
    for table in tables:
        for name, members in table.items():
            merged.setdefault(name, set()).update(members)
    return merged
