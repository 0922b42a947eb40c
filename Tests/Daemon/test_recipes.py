"""The device files in Examples/recipes: each is good configuration, and says what it is for and where that is written."""
import pathlib
import re
import subprocess

import pytest
from daemon import PATIENCE, PROGRAM

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Examples/recipes"
FILES = sorted(FOLDER.iterdir())


def check(*paths):
    """The exit status of --check-config, and what it says."""
    done = subprocess.run([PROGRAM, "--check-config", *paths], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def faults(text):
    """What a device file's comments lack."""
    header, _, body = text.partition("\n\n")
    if not header.startswith("# ") or not all(line.startswith("#") for line in header.splitlines()):
        yield "it does not begin with a comment"
    if "\n# Data sheet: " not in header or not re.search(r"\b0x[0-9a-f]+\b|\b[0-9] ", header):
        yield "the data sheet and its registers are not named"
    section = previous = ""
    for line in body.splitlines():
        if line.startswith("["):
            section = line
        # The name of a routine says what it is.
        is_named = section == "[Routine]" and line.startswith("Name=")
        if re.match(r"[A-Z]\w*=", line) and not is_named and not previous.startswith("#"):
            yield f"{line} is not explained"
        previous = line


def test_all_files_are_device_files():
    assert FILES and all(path.suffix == ".device" for path in FILES), FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recipe_is_good_configuration_and_explained(path):
    status, said = check(path)
    assert status == 0, said
    assert list(faults(path.read_text())) == []


def test_all_recipes_together_are_good_configuration(tmp_path):
    devices = tmp_path / "etc/interruptsync/devices"
    devices.mkdir(parents=True)
    for path in FILES:
        (devices / path.name).write_text(path.read_text())
    done = subprocess.run([PROGRAM, "--check-config", "--config-root", tmp_path], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0 and f"{len(FILES)} device files checked" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_fault_in_a_recipe_is_found(path, tmp_path):
    broken = tmp_path / path.name
    broken.write_text(re.sub(r"^Claim=", "Claims=", path.read_text(), count=1, flags=re.M))
    status, said = check(broken)
    assert status == 78 and "did you mean Claim=?" in said, said


def test_a_recipe_without_explanations_is_found():
    text = FILES[0].read_text()
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert len(list(faults(bare))) >= 4
    assert list(faults(text.replace("Data sheet", "See"))) == ["the data sheet and its registers are not named"]
