"""Tests here use the parts of the daemon's tests, too."""
import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Daemon"))


@pytest.fixture
def chance():
    """Random numbers. SEED repeats a run; pytest shows the seed of a test that fails."""
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    return random.Random(seed)
