"""The soak: a minute, or with SOAK=1 two hours. The summary, the recording and the pictures are in .build/soak."""
import os
import pathlib

from report import report
from soak import Soak, prepare

SECONDS = 7200 if os.environ.get("SOAK") else 50
FOLDER = pathlib.Path(".build/soak")


def test_the_daemon_stands_everything_at_once(chance):
    prepare()
    text, is_healthy = report(Soak(SECONDS, chance.random()).run(), FOLDER)
    print(text)
    assert is_healthy, text
