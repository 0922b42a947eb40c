"""The browser is Debian's chromium, without a window. The site is that of `make docs`."""
import pathlib

import pytest
from playwright.sync_api import sync_playwright

from visitor import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        # As root, chromium has no sandbox; it sees no page but ours.
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site():
    return ROOT / ".build/docs"


@pytest.fixture(scope="session")
def served(site):
    with Server(site) as server:
        yield server.root
