"""Runs spin on one form of a model. The figures are those of `pan`, the checker that spin generates."""

import re
import subprocess
import tempfile
from pathlib import Path

MODELS = Path(__file__).parent


class Result:
    def __init__(self, output, trail):
        self.output, self.trail = output, trail
        errors = re.search(r"errors: (\d+)", output)
        states = re.search(r"(\d+(?:\.\d+e\+\d+)?) states, stored", output)
        if errors is None or states is None:
            raise AssertionError(f"the checker did not end: {output[-2000:]}")
        self.errors = int(errors[1])
        self.states = int(float(states[1]))
        if "reached -DMEMLIM" in output or "max search depth too small" in output:
            raise AssertionError("the checker ran out of memory or depth: the search is not exhaustive")


def check(model, defines, kind, optimization="-O2"):
    """Explores every state. `kind` is "safety" or "live"."""
    with tempfile.TemporaryDirectory() as folder:
        def run(*command, timeout=600):
            return subprocess.run(
                command, cwd=folder, timeout=timeout, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        (Path(folder) / "model.pml").write_text((MODELS / f"{model}.pml").read_text())
        made = run("spin", "-a", *defines.split(), "model.pml")
        assert made.returncode == 0 and "rror:" not in made.stdout, made.stdout
        # Fairness needs room for every process that a form starts.
        options = ["-DNFAIR=6"] if kind == "live" else ["-DSAFETY", "-DNOCLAIM"]
        made = run("gcc", optimization, "-w", "-DCOLLAPSE", "-DMEMLIM=4000", *options, "-o", "pan", "pan.c")
        assert made.returncode == 0, made.stdout
        arguments = ["-a", "-f"] if kind == "live" else []
        output = run("./pan", "-m1000000", *arguments).stdout
        trail = ""
        if "errors: 0" not in output:
            trail = run("spin", "-t", "-p", *defines.split(), "model.pml").stdout
        return Result(output, trail)
