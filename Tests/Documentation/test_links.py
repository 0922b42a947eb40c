"""The check of links finds a link, a path and the name of a test that lead nowhere."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
PAGES = {
    "README.md": "[a](docs/a.md#b) [b](https://example.org/x.md) `Sources/A/*.swift` `Sources/A/`\n",
    "docs/a.md": "[up](../README.md)\n",
    "docs/faults.md": "| fault | what | shown by |\n|---|---|---|\n| a | `b` | guest `first_thing`, `second`, `fact8_…` |\n",
    "docs/security.md": "| claim | shown by |\n|---|---|\n| a | daemon `test_a`; `make test-deb T=own` |\n",
    "Tests/Packaging/run": 'check "Owners and modes" owned\n',
    "Tests/A/test_a.py": "def test_a():\n",
    "Sources/A/a.swift": "",
    "Tests/A/a.swift": '@Test func first_thing() {}\nCase("second") {}\nfunc fact8_counts() {}\n',
}


class CheckTests(unittest.TestCase):
    def check(self, changes):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in (PAGES | changes).items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            run = subprocess.run(
                [sys.executable, HERE / "links", root], capture_output=True, text=True, check=False)
        self.assertEqual(run.stderr, "")
        return run.returncode, run.stdout.splitlines()

    def test_pages_that_lead_somewhere_pass(self):
        self.assertEqual(self.check({}), (0, ["9 passed, 0 failed"]))

    def test_a_link_a_path_and_a_test_that_do_not_exist_are_found(self):
        for path, text, fault in (
                ("docs/a.md", "[x](b.md)", "docs/a.md:1: the link to b.md leads nowhere"),
                ("docs/a.md", "`Sources/B/b.swift`", "docs/a.md:1: there is no Sources/B/b.swift"),
                ("Tests/A/a.swift", "func first_thing() {}\nfunc fact8_counts() {}",
                 "docs/faults.md:3: there is no test second"),
                ("Tests/A/a.swift", 'func first_thing() {}\nCase("second")',
                 "docs/faults.md:3: there is no test fact8_"),
                ("Tests/A/test_a.py", "def test_b():\n", "docs/security.md:3: there is no test test_a"),
                ("Tests/Packaging/run", 'check "modes" owned\n',
                 "docs/security.md:3: no check of test-deb has own in its name")):
            status, output = self.check({path: text})
            self.assertEqual((status, output[0]), (1, fault))


if __name__ == "__main__":
    unittest.main()
