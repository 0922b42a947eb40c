"""checks.sh: every check that T chooses is counted, and a run without one has failed."""
import os
import pathlib
import subprocess

CHECKS = pathlib.Path(__file__).resolve().parents[1] / "checks.sh"
SCRIPT = f""". {CHECKS}
check "The first" true
check "the second" sh -c 'echo no; exit 1'
close
"""


def run(text):
    done = subprocess.run(
        ["bash", "-uc", SCRIPT], env={**os.environ, "T": text}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_failed_check_is_named_with_what_it_said():
    assert run("") == (1, "the second:\nno\n1 passed, 1 failed\n")


def test_t_chooses_checks_by_a_part_of_their_names():
    assert run("the FIRST") == (0, "1 passed, 0 failed\n")


def test_a_name_that_no_check_has_is_a_failure():
    assert run("third") == (1, "no check has 'third' in its name\n0 passed, 0 failed\n")
