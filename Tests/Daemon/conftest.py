"""The order of this folder's files, and the fixtures that several of them use.

`make test-daemon` sets INTERRUPTSYNCD, the program, and TRIXIE, a Debian 13 tree. Run the tests as root, because some
of their clients are other users.
"""
import os
import random

import pytest

# These measure time. They run when every other test has ended.
LAST = ("test_latency", "test_scale")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem in LAST)


@pytest.fixture
def chance():
    """Random numbers. SEED repeats a run; pytest shows the seed of a test that fails."""
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.fixture
def whole_file(request):
    """For a test that sums up the other tests of its file: it is skipped where T leaves some of them out."""
    chosen = {item.name for item in request.session.items if item.path == request.path}
    if not chosen.issuperset(name for name in vars(request.module) if name.startswith("test_")):
        pytest.skip("needs all tests of its file")
