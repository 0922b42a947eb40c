"""The commands and blocks of docs/python.md, as they stand there. A guest runs those for a card."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import tutorial
from daemon import PROGRAM

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/python.md").read_text()


def commands(kind):
    return "".join(block.text for block in tutorial.blocks(PAGE) if kind in block.kinds and block.language == "sh")


@contextlib.contextmanager
def shell(text, folder, environment):
    """Runs commands, gives their exported variables, and ends what they left in the background."""
    program = text + "\nenv -0"
    process = subprocess.Popen(["bash", "-euc", program], cwd=folder, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        # A program in the background has the pipe, too: the variables end it.
        said = b""
        while b"INTERRUPTSYNC_ADDRESS=" not in said or not said.endswith(b"\0"):
            piece = os.read(process.stdout.fileno(), 1 << 16)
            assert piece, f"the commands failed: {said!r}"
            said += piece
        assert process.wait(60) == 0
        yield dict(item.split("=", 1) for item in said.decode().split("\0") if "=" in item)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.stdout.close()
        process.wait()


def test_every_block_of_the_page_runs_somewhere():
    assert tutorial.unmarked(PAGE) == 0
    kinds = {kind for block in tutorial.blocks(PAGE) for kind in block.kinds}
    assert kinds == {"install", "file", "demo", "card"}
    assert len(tutorial.blocks(PAGE)) > 12


def test_the_page_runs_on_a_software_line(tmp_path):
    environment = {**os.environ, "PATH": f"{pathlib.Path(PROGRAM).resolve().parent}:{os.environ['PATH']}"}
    with shell(commands("demo"), tmp_path, environment) as exported:
        program = [sys.executable, str(pathlib.Path(tutorial.__file__)), str(page_for_a_line(tmp_path)), "demo"]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120, env={
            **exported, "PYTHONPATH": str(ROOT / "Clients/python/src"), "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo connected" in done.stdout and "blocks ran" in done.stdout
    # On a loaded machine several triggers share a dispatch.
    assert 50 < int(re.search(r"^(\d+) records$", done.stdout, re.M)[1]) <= 200, done.stdout
    assert "<svg" in (tmp_path / "intervals.svg").read_text()


def page_for_a_line(folder):
    """The page, with the name of the line where the reader puts that of the card."""
    assert PAGE.count('DEVICE = "pci-0000:00:03.0"') == 1
    (folder / "page.md").write_text(PAGE.replace('DEVICE = "pci-0000:00:03.0"', 'DEVICE = "demo"'))
    return folder / "page.md"


def test_the_file_of_the_page_is_accepted(tmp_path):
    folder = tmp_path / "etc/interruptsync/devices"
    folder.mkdir(parents=True)
    text = "".join(block.text for block in tutorial.blocks(PAGE) if "file" in block.kinds)
    (folder / "50-edu.device").write_text(text)
    done = subprocess.run([PROGRAM, "--config-root", str(tmp_path), "--check-config"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_runner_finds_what_is_not_as_the_page_says():
    page = "<!-- run: demo -->\n```python\nprint(1)\n```\n\n```text\n2\n```\n"
    with pytest.raises(AssertionError, match="it printed '1"):
        tutorial.run(page, "demo")
    assert tutorial.run(page.replace("\n2\n", "\n1\n"), "demo") == 1
    with pytest.raises(AssertionError, match="no block"):
        tutorial.run(page, "card")
    assert tutorial.unmarked(page + "```python\n1\n```\n") == 1
