"""The check of hints finds an error that says what is wrong and not what to do."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
GIVEN = 'throw UIOError(.removed, device: name, operation: "open", cause: f(hint: "("), hint: "open it again")\n'
MISSING = 'throw UIOError(\n  .removed, device: name, operation: "open",\n  cause: f(hint: "x"), errno: 5)\n'


class CheckTests(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "Sources/A/a.swift"
            source.parent.mkdir(parents=True)
            source.write_text(text)
            run = subprocess.run(
                [sys.executable, HERE / "hints", folder], capture_output=True, text=True, check=False)
        self.assertEqual(run.stderr, "")
        return run.returncode, run.stdout.splitlines()

    def test_an_error_with_a_hint_passes(self):
        self.assertEqual(self.check(GIVEN), (0, ["1 passed, 0 failed"]))

    def test_an_error_without_one_is_found_at_its_line(self):
        self.assertEqual(
            self.check(GIVEN + MISSING), (1, ["Sources/A/a.swift:2: an error without a hint", "1 passed, 1 failed"]))

    def test_a_copy_of_an_error_is_no_error_of_its_own(self):
        self.assertEqual(self.check("UIOError(other, device: name, operation: operation, cause: cause)\n"), (0, ["0 passed, 0 failed"]))
