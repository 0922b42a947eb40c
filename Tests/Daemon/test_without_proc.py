"""Where /proc is not mounted, as in a chroot or a sandbox, both programs take their arguments from main.

On the release build: the address sanitizer's own start needs /proc.
"""
import os
import subprocess

import pytest

from daemon import PATIENCE, PROGRAM

CONTROL = os.path.join(os.path.dirname(PROGRAM), "interruptsyncctl")


@pytest.mark.parametrize("program, arguments, status, words", [
    (PROGRAM, "--version", 0, "0.1.0"),
    (PROGRAM, "--bogus", 64, "bogus"),
    (PROGRAM, "--rate=0 uio0", 64, "--rate"),
    (CONTROL, "--version", 0, "0.1.0"),
    (CONTROL, "list --address /nonexistent/socket", 1, "/nonexistent/socket"),
    (CONTROL, "bogus", 2, "bogus"),
])
def test_a_program_takes_its_arguments_where_proc_is_not_mounted(program, arguments, status, words):
    inside = f"mount -t tmpfs none /proc && exec {os.path.abspath(program)} {arguments}"
    ran = subprocess.run(["unshare", "-rm", "sh", "-c", inside], capture_output=True, text=True, timeout=PATIENCE)
    assert (ran.returncode, words in ran.stdout + ran.stderr) == (status, True), ran
