"""The guest's runner, with programs in place of QEMU and of the image: what it does with a guest that does not begin,
that stops, and that ends early."""
import os
import pathlib
import shutil
import subprocess

import pytest

RIG = pathlib.Path(__file__).parents[2] / "Hardware/rig"
QEMU = r"""#!/bin/bash
while [ $# -gt 0 ]; do
    case $1 in -pidfile) echo $$ >"$2" ;; -append) token=$(sed -n 's/.*rig.token=\([0-9a-f]*\).*/\1/p' <<<"$2") ;; esac
    shift
done
echo boot >>"$GUESTS/boots"
count=$(wc -l <"$GUESTS/boots")
. "$GUESTS/guest"
"""


@pytest.fixture
def run(tmp_path):
    """Runs a guest that does `body`, which knows `$count`, the number of the boot, and `$token`."""
    for name in ("run-guest", "lib.sh", "bind.sh"):
        shutil.copy(RIG / name, tmp_path / name)
    text = (tmp_path / "run-guest").read_text()
    assert "boot_patience=240" in text
    (tmp_path / "run-guest").write_text(text.replace("boot_patience=240", "boot_patience=2"))
    (tmp_path / "files").mkdir()
    (tmp_path / "files/initrd").write_text("")
    (tmp_path / "payload").mkdir()
    (tmp_path / "payload/run.sh").write_text("")
    (tmp_path / "image").write_text(f"#!/bin/sh\necho {tmp_path}/files\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/qemu-system-x86_64").write_text(QEMU)
    for program in ("image", "run-guest", "bin/qemu-system-x86_64"):
        (tmp_path / program).chmod(0o755)

    def runs(body):
        (tmp_path / "guest").write_text(body)
        done = subprocess.run(
            [tmp_path / "run-guest", "-t", "2", tmp_path / "payload"], capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "GUESTS": str(tmp_path)})
        return done, len((tmp_path / "boots").read_text().splitlines())

    return runs


def test_a_guest_that_ends_is_what_its_payload_said(run):
    done, boots = run('echo hello; echo "$token 3"\n')
    assert (done.returncode, boots) == (3, 1)
    assert "hello" in done.stdout


def test_a_guest_that_does_not_begin_is_booted_again(run):
    done, boots = run('[ $count -gt 1 ] || exec sleep 60\necho hello; echo "$token 0"\n')
    assert (done.returncode, boots) == (0, 2)
    assert "booted again" in done.stderr


def test_a_guest_that_never_begins_fails(run):
    done, boots = run("exec sleep 60\n")
    assert (done.returncode, boots) == (124, 3)
    assert "no progress for 2 s" in done.stderr


def test_a_guest_that_stops_in_the_middle_is_not_booted_again(run):
    done, boots = run("echo hello; exec sleep 60\n")
    assert (done.returncode, boots) == (124, 1)


def test_a_guest_that_dies_is_not_booted_again(run):
    done, boots = run("exit 1\n")
    assert (done.returncode, boots) == (125, 1)


def test_a_guest_that_does_not_listen_to_sigterm_is_ended_all_the_same(run):
    done, boots = run("trap '' TERM\necho hello\nwhile :; do sleep 1; done\n")
    assert (done.returncode, boots) == (124, 1)
    assert "no progress for 2 s" in done.stderr
