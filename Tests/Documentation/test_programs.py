"""Programs are put together from marked blocks, and a mark that means none is an error."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from programs import PageError, commands, programs  # noqa: E402

PAGE = """# A page

<!-- first hour, c: a/driver.c -->
```c
int one;
```

Words.

```c
int not_marked;
```

<!-- first hour, c: a/driver.c -->
```c
int two;
```
<!-- first hour, c: run -->
```sh
# All of it:
sudo ./driver 1234:11e8   # as root
./look '#1'  # in a second terminal
```
"""


class ProgramTests(unittest.TestCase):
    def test_blocks_of_a_file_are_put_together_in_their_order(self):
        found = programs([("a.md", PAGE)])
        self.assertEqual(list(found), ["c"])
        self.assertEqual(found["c"]["a/driver.c"], "int one;\n\nint two;\n")

    def test_commands_lose_their_comments(self):
        steps = list(commands(programs([("a.md", PAGE)])["c"]["run"]))
        self.assertEqual(steps, [("sudo ./driver 1234:11e8", False), ("./look '#1'", True)])

    def test_pages_add_to_one_program(self):
        more = "<!-- first hour, c: build -->\n```sh\ncc\n```\n"
        found = programs([("a.md", PAGE), ("b.md", more)])
        self.assertEqual(found["c"]["build"], "cc\n")

    def test_marks_that_mean_no_block_are_errors(self):
        for text in (
            "<!-- first hour, c: x.c -->\n\n```c\n```\n",
            "<!-- first hour: x.c -->\n```c\n```\n",
            "<!-- first hour, c: x.c -->\n```c\nint one;\n",
            "<!-- first hour, c: x.c -->",
            "<!-- first hour, c: ../x.c -->\n```c\n```\n",
            "<!-- first hour, c: /x.c -->\n```c\n```\n",
        ):
            with self.subTest(text), self.assertRaises(PageError):
                programs([("a.md", PAGE), ("b.md", text)])

    def test_a_program_that_nothing_runs_is_an_error(self):
        with self.assertRaises(PageError):
            programs([("a.md", "<!-- first hour, c: x.c -->\n```c\n```\n")])


if __name__ == "__main__":
    unittest.main()
