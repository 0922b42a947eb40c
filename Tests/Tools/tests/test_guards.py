"""What guards a value in code that runs under the thread sanitizer, which does not see Synchronization's Mutex."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
UNSEEN = re.compile(r"\bMutex[(<]")


def sources():
    """Of the library and of the unit tests; the guests' suite and the interleavings are not run so, and these must not
    pause in a guard of their own."""
    for folder in ("Sources", "Tests"):
        for path in (ROOT / folder).rglob("*.swift"):
            if not {"Hardware", "Interleavings"} & set(path.parts):
                yield path


def test_values_are_guarded_by_what_the_thread_sanitizer_sees():
    paths = list(sources())
    assert len(paths) > 300
    assert [str(path.relative_to(ROOT)) for path in paths if UNSEEN.search(path.read_text())] == []
    assert UNSEEN.search("let a = Mutex<[Int]>([])") and not UNSEEN.search("Not a `Mutex`, which")
