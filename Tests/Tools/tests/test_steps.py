"""How the steps of `make test` are counted: nothing that did not run, or ended otherwise, passes."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def tree(tmp_path):
    """A tree with the tools in it, whose step `mustfail` runs the script that a test writes."""
    tools = tmp_path / "Tests/Tools"
    tools.mkdir(parents=True)
    for name in ("step", "bounded", "summary", "swift-tests.sh", "guest.sh"):
        shutil.copy(TOOLS / name, tools)
    (tmp_path / "Tests/MustNotCompile").mkdir()

    def run(script, *steps):
        runner = tmp_path / "Tests/MustNotCompile/run"
        runner.write_text("#!/bin/sh\n" + script)
        runner.chmod(0o755)
        subprocess.run([tools / "step", "mustfail"], capture_output=True, check=False)
        done = subprocess.run(
            [tools / "summary", *(steps or ["mustfail"])], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return run


def test_a_step_is_counted_with_its_seconds(tree):
    status, text = tree("echo '3 passed, 0 failed'\n")
    assert status == 0
    assert re.match(r"\s*mustfail +3 passed +0 failed +[0-9]+ s\n", text)
    assert text.endswith("\n3 passed, 0 failed\n")


def test_a_step_that_executed_nothing_has_failed_and_says_so(tree):
    status, text = tree("echo '0 passed, 0 failed'\n")
    assert status == 1
    assert "executed nothing" in text
    assert text.endswith("\n0 passed, 1 failed\n")


def test_a_step_without_a_closing_line_has_failed_and_says_so(tree):
    status, text = tree("exit 0\n")
    assert status == 1
    assert "executed nothing" in text


def test_a_step_that_ends_with_an_error_has_failed_although_no_test_did(tree):
    status, text = tree("echo '3 passed, 0 failed'\nexit 3\n")
    assert status == 1
    assert "ended with status 3" in text
    assert text.endswith("\n3 passed, 1 failed\n")


def test_of_a_step_that_counts_in_parts_the_last_closing_line_counts(tree):
    assert tree("echo '3 passed, 0 failed'\necho '7 passed, 0 failed'\n")[1].endswith("\n7 passed, 0 failed\n")


def test_the_summary_names_what_failed(tree):
    status, text = tree("echo 'ok one'\necho 'FAIL two: no interrupt'\necho '1 passed, 1 failed'\nexit 1\n")
    assert status == 1
    assert "\nmustfail:\n  FAIL two: no interrupt\n" in text
    assert "ok one" not in text


def test_of_a_failure_without_a_name_the_summary_shows_the_end(tree):
    assert "\nmustfail:\n  it broke\n" in tree("echo 'it broke'\nexit 3\n")[1]


def test_a_step_that_did_not_run_has_failed_and_says_so(tree):
    status, text = tree("echo '3 passed, 0 failed'\n", "mustfail", "guest-6.1")
    assert status == 1
    assert "did not run" in text
    assert text.endswith("\n3 passed, 1 failed\n")


def test_a_guest_without_a_payload_says_so(tree, tmp_path):
    tree("echo '1 passed, 0 failed'\n")
    guest = subprocess.run(
        [tmp_path / "Tests/Tools/step", "guest-6.1"], capture_output=True, text=True, check=False)
    assert guest.returncode == 1
    assert "there is no payload" in guest.stdout
    assert (tmp_path / ".build/results/guest-6.1").read_text().endswith("executed nothing\n")


@pytest.mark.parametrize("said, passed, failed", [
    ("", 2, 0), ("==7==ERROR: LeakSanitizer: detected memory leaks", 1, 1),
    ("==7==ERROR: AddressSanitizer: heap-use-after-free", 1, 1)])
def test_what_the_address_sanitizer_finds_fails_the_step_although_every_test_passed(tree, tmp_path, said, passed, failed):
    swift = tmp_path / "swift"
    swift.write_text("#!/bin/sh\n[ $1 = build ] && exit\necho '✔ Test run with 2 tests in 1 suite passed after 1 seconds.'\n"
                     f"echo '{said}'\n")
    swift.chmod(0o755)
    done = subprocess.run([tmp_path / "Tests/Tools/step", "asan"], env=os.environ | {"SWIFT": str(swift)},
                          capture_output=True, text=True, check=False)
    assert done.returncode == (1 if failed else 0)
    assert done.stdout.endswith(f"\n{passed} passed, {failed} failed\n") and said in done.stdout
