"""The check of diagrams finds a picture that is not its text's, and a text that cannot be drawn."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

DIAGRAMS = pathlib.Path(__file__).resolve().parents[2] / "Website/diagrams"
FILES = {
    "docs/architecture.md": "## Floors\n\n| floor | target | holds |\n|---|---|---|\n| 0 | `Low` | a |\n| 1 | `High` | b |\n",
    "docs/diagrams/house.txt": "floors The house\ntarget Low: values & more\ntarget High: the program\n",
    "docs/diagrams/talk.txt": "sequence A talk\n# two of them\nactor a: one\nactor b\na -> b: hello <there>\nhold b: a lock\nb: thinks\n"
                              "release b\nlater a day\nb <-> a: again\n",
    "docs/diagrams/steps.txt": "stairs Steps\nstep low: first\nadds nothing\nstep high: second\nadds much\n",
}


class DiagramTests(unittest.TestCase):
    def drawn(self, changes):
        """What the check says after the diagrams of FILES were drawn and then changed; and the pictures."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)

            def write(files):
                for path, text in files.items():
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (root / path).write_text(text)

            def run(*arguments):
                return subprocess.run([sys.executable, DIAGRAMS, *arguments, root], capture_output=True, text=True, check=False)

            write(FILES)
            self.assertEqual(run().stdout, "3 passed, 0 failed\n")
            pictures = [xml.etree.ElementTree.parse(path) for path in sorted(root.glob("docs/diagrams/*.svg"))]
            write(changes)
            done = run("--check")
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines(), pictures

    def test_pictures_of_their_texts_pass_and_have_every_word(self):
        status, lines, pictures = self.drawn({})
        self.assertEqual((status, lines), (0, ["3 passed, 0 failed"]))
        words = " ".join(" ".join(picture.getroot().itertext()) for picture in pictures)
        for text in ("values & more", "floor 1", "hello <there>", "a lock", "a day", "second", "much"):
            self.assertIn(text, words)

    def test_a_planted_fault_is_found(self):
        talk, house, steps = (FILES[f"docs/diagrams/{name}.txt"] for name in ("talk", "house", "steps"))
        for path, text, fault in (
                ("talk.txt", talk.replace("hello", "goodbye"), "talk.svg is out of date: run Website/diagrams"),
                ("talk.txt", talk + "c -> a: no\n", "talk.txt: line 11: there is no actor c"),
                ("talk.txt", talk.replace("release b\n", ""), "talk.txt: b holds to the end"),
                ("talk.txt", talk + "release a\n", "talk.txt: line 11: a holds nothing"),
                ("talk.txt", talk + "what\n", "talk.txt: line 11: 'what' is neither"),
                ("house.txt", house.replace("target Low: values & more\n", ""), "the target Low of docs/architecture.md has no line"),
                ("house.txt", house + "target Other: x\n", "docs/architecture.md has no target Other"),
                ("house.txt", "floors H\ntarget Low High: x\n", "are on different floors"),
                ("steps.txt", "stairs S\nadds much\n", "steps.txt: line 2: 'adds much' is neither"),
                ("steps.txt", steps.replace("stairs", "ladder"), "steps.txt: the first line is no"),
                ("lost.svg", "<svg/>", "lost.svg has no text")):
            status, lines, _ = self.drawn({f"docs/diagrams/{path}": text})
            self.assertEqual(status, 1, fault)
            self.assertTrue(any(fault in line for line in lines), (fault, lines))

    def test_a_floor_that_the_page_moves_is_found(self):
        page = FILES["docs/architecture.md"].replace("| 1 | `High`", "| 2 | `High`")
        _, lines, _ = self.drawn({"docs/architecture.md": page})
        self.assertIn("docs/diagrams/house.svg is out of date: run Website/diagrams", lines)


if __name__ == "__main__":
    unittest.main()
