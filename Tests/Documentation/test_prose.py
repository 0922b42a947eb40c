"""The check of phrases finds what is planted where people read, and leaves technical uses alone."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

from phrases import faults  # noqa: E402
from texts import paragraphs  # noqa: E402


class CheckTests(unittest.TestCase):
    def check(self, files):
        """The exit status and the output lines for a tree with `files`."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            run = subprocess.run(
                [sys.executable, HERE / "prose", root], capture_output=True, text=True, check=False)
        self.assertEqual(run.stderr, "")
        return run.returncode, run.stdout.splitlines()

    def assert_found(self, path, line, text):
        status, output = self.check({path: text})
        self.assertEqual(status, 1, output)
        self.assertTrue(output[0].startswith(f"{path}:{line}: "), output)
        self.assertEqual(len(output), 3, output)

    def test_plain_english_passes(self):
        status, output = self.check({
            "README.md": "You can service a device permanently: describe it in a file.\n",
            "Sources/A/a.swift": '// Releases the lock.\nlet a = "the line is masked"\n'})
        self.assertEqual(status, 0, output)
        self.assertEqual(output, ["2 passed, 0 failed"])

    def test_a_phrase_in_a_page_is_found_over_a_line_end(self):
        self.assert_found("docs/a.md", 3, "# A\n\nThe line is\nto be masked.\n")

    def test_a_phrase_in_a_comment_is_found_at_its_line(self):
        self.assert_found("Sources/A/a.swift", 2, "// The lock is held\n// by somebody.\nlet a = 1\n")

    def test_a_phrase_in_a_message_is_found(self):
        self.assert_found("Sources/A/a.c", 2, 'int a;\nchar *b = "no thread to be had";\n')

    def test_a_phrase_in_a_comment_of_a_script_is_found(self):
        self.assert_found("Tests/run", 2, "#!/bin/sh\n# Reads it anew.\necho\n")
        self.assert_found("Makefile", 1, "# Reads it anew.\na:\n")

    def test_a_phrase_in_the_journals_catalog_is_found(self):
        self.assert_found("systemd/a.catalog", 4, "# Ids.\n\n-- 12\nSubject: Nobody claims\n\nText.\n")

    def test_a_phrase_in_a_manual_page_is_found(self):
        self.assert_found("docs/man/a.1", 2, ".Pp\nWho has\n.Xr a 1\nmay call.\n")

    def test_a_phrase_in_a_cell_is_found(self):
        self.assert_found("docs/a.md", 3, "| a | b |\n|---|---|\n| c | whoever comes |\n")

    def test_code_and_the_words_to_avoid_are_left_alone(self):
        status, output = self.check({
            "CONTRIBUTING.md": "| instead of | write |\n|---|---|\n| anew | again |\n\n```\nanew\n```\n\n`anew`\n",
            "Tests/a.swift": "// Anew.\n"})
        self.assertEqual(status, 0, output)


class PhraseTests(unittest.TestCase):
    def assert_faults(self, text, count=1):
        self.assertEqual(len(list(faults(text))), count, list(faults(text)))

    def test_each_phrase(self):
        for text in (
                "Who takes more waits.", "It runs. Whoever calls waits.", "What comes later is dropped.",
                "the line is to be masked", "no thread to be had", "lets go of the lock", "was told of it",
                "is read anew", "in the place of a map", "nobody claims", "Somebody waits", "stands for the level",
                "stood behind it", "they end by itself", "it may not be there", "has to do with it",
                "the file is at fault", "the one of before", "looks whether it took", "so that one can see it",
                "it claims by itself", "a length of another kind than this", "another length than 4",
                "the wrong or of another type", "the present connection stays", "for those who watch",
                "dispatches what there is", "lists what is there", "it is to be put right"):
            self.assert_faults(text)

    def test_technical_uses(self):
        for text in (
                "Who holds the lock?", "What happens after a crash?", "a user who takes more", "runs as user nobody",
                "chown nobody:nogroup", "`is to be`", "understands for now", "renewed", "the standing queue",
                "It says what is wrong.", "What a dispatch leaves for later: a set of bits."):
            self.assert_faults(text, 0)

    def test_comments_of_one_paragraph_are_joined_and_others_are_not(self):
        text = "/// One\n/// two.\n///\n/// Three.\nlet a = 1  // four\nlet b = \"five\"\n/* six\n * seven */\n"
        found = [paragraph.text for paragraph in paragraphs(pathlib.Path("a.swift"), text)]
        self.assertEqual(found, ["One two.", "Three.", "four", "five", "six seven"])


if __name__ == "__main__":
    unittest.main()
