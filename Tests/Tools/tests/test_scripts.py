"""The scripts of the repository: with pipefail, a reader that ends early makes its writer fail, sometimes."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
# grep -q and head end at what they look for; the writer's next write(2) then gets SIGPIPE.
EARLY = re.compile(r"\|\s*(grep\s+(-\w+\s+)*-\w*[qm]|head\b)")
INNER = re.compile(r"<\(.*\)")


def lines_with_early_readers(text):
    return [line for line in text.splitlines() if EARLY.search(INNER.sub("", line))]


def scripts():
    for folder in (".ci", "Tests", "Benchmarks", "Sources", "Examples", "debian", "systemd"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and (path.suffix == ".sh" or path.read_bytes().startswith(b"#!/usr/bin/env bash")):
                yield path


def test_an_early_reader_is_found():
    assert len(lines_with_early_readers("ldd x | grep -q libc\nps | grep -E -q a\nps | head -n 1")) == 3
    assert lines_with_early_readers("grep -q libc <<<x\nread -r a < <(ls | head -n 1)\nls | grep -E a") == []


def test_no_script_pipes_into_a_reader_that_ends_early():
    found = {str(path.relative_to(ROOT)): lines_with_early_readers(path.read_text()) for path in scripts()}
    assert len(found) > 15
    assert {name: lines for name, lines in found.items() if lines} == {}
