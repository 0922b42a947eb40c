"""The overlay that docs/boards.md shows is the one that the arm64 guest boots with."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def code(text):
    """The lines of a device tree's source without comments."""
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//")]


class Boards(unittest.TestCase):
    def test_the_overlay_of_the_page_is_that_of_the_guest(self):
        blocks = re.findall(r"^```dts\n(.*?)^```", (ROOT / "docs/boards.md").read_text(), re.M | re.S)
        overlays = [block for block in blocks if block.startswith("/dts-v1/")]
        self.assertEqual(len(overlays), 1)
        self.assertEqual(code(overlays[0]), code((ROOT / "Tests/Hardware/rig/board.dts").read_text()))


if __name__ == "__main__":
    unittest.main()
