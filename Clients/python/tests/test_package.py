"""The package as a whole: it installs, its types hold, both forms offer the same, and it knows the whole interface."""
import inspect
import pathlib
import re
import subprocess
import sys

import tutorial

import interruptsync
from interruptsync import calls, refusals

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "Clients/python"
INTERFACE = (ROOT / "Sources/InterruptSyncService/Clients/io.interruptsync.varlink").read_text()
PAIRS = [
    (interruptsync.Client, interruptsync.AsyncClient), (interruptsync.Ring, interruptsync.AsyncRing),
    (interruptsync.Stream, interruptsync.AsyncStream),
    (interruptsync.AttachedDevice, interruptsync.AsyncAttachedDevice),
]


def run(*command, **named):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **named)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def public(kind):
    return {name: value for name, value in inspect.getmembers(kind) if not name.startswith("_")}


def test_types_hold_strictly(tmp_path):
    said = run(sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), cwd=PACKAGE)
    assert "no issues found" in said, said


def test_types_are_those_of_a_program(tmp_path):
    """What an installed package's user gets: a program's types hold, and a wrong one is found."""
    good = ("import interruptsync\nwith interruptsync.Client() as client:\n"
            "  total: int = client.statistics('soft').interrupts\n")
    check = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    environment = {"MYPYPATH": str(PACKAGE / "src"), "PATH": "/usr/bin:/bin"}
    (tmp_path / "good.py").write_text(good)
    run(*check, str(tmp_path / "good.py"), env=environment)
    (tmp_path / "bad.py").write_text(good.replace("int =", "str ="))
    bad = subprocess.run(
        [*check, str(tmp_path / "bad.py")], env=environment, capture_output=True, text=True, check=False)
    assert bad.returncode == 1 and "Incompatible types" in bad.stdout, bad.stdout


def test_it_installs_with_the_commands_of_the_page(tmp_path):
    """Without the network: pip takes Debian's setuptools, as this setting says it."""
    run("cp", "-r", "--parents", "Clients/python", str(tmp_path), cwd=ROOT)
    page = (ROOT / "docs/python.md").read_text()
    text = "".join(block.text for block in tutorial.blocks(page) if "install" in block.kinds)
    offline = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    run("bash", "-euc", text, cwd=tmp_path, env=offline)
    program = ("import importlib.metadata, pathlib, interruptsync\n"
               "place = pathlib.Path(interruptsync.__file__)\n"
               "print(place, importlib.metadata.version('interruptsync'), place.with_name('py.typed').is_file())\n")
    said = run("bench/bin/python", "-c", program, cwd=tmp_path)
    place, version, typed = said.split()
    assert place.startswith(str(tmp_path / "bench")) and typed == "True"
    assert version == re.search(r"^VERSION = (.*)$", (ROOT / "Makefile").read_text(), re.M)[1]


def test_it_needs_nothing_but_python(tmp_path):
    """Only arrays need NumPy, and say so."""
    program = (
        "import sys; sys.modules['numpy'] = None; sys.path.insert(0, sys.argv[1])\n"
        "import interruptsync\n"
        "from interruptsync.errors import Subject\n"
        "try: interruptsync.arrays.dtype((), Subject('a', 'b'))\n"
        "except interruptsync.Unsupported as error: print(error.hint)\n")
    assert "python3-numpy" in run(sys.executable, "-I", "-c", program, str(PACKAGE / "src"))


def test_both_forms_offer_the_same():
    for one, other in PAIRS:
        ours, theirs = public(one), public(other)
        # A client of the other form is made by a coroutine, and a poll loop is the event loop.
        assert set(ours) - {"fileno"} == set(theirs) - {"open"}, (one, other)
        for name, value in ours.items():
            if inspect.isfunction(value) and name != "fileno":
                assert inspect.signature(value).parameters == inspect.signature(theirs[name]).parameters, name


def test_modules_import_what_the_map_allows():
    """docs/architecture.md has the modules in rows: each imports those of its row and of rows below."""
    text = (ROOT / "docs/architecture.md").read_text()
    table = text.split("## The client in Python", 1)[1].split("\n## ", 1)[0]
    rows = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in table.splitlines() if line.startswith("| `")]
    row_of = {module: number for number, row in enumerate(rows) for module in row}
    files = {path.stem: path.read_text() for path in (PACKAGE / "src/interruptsync").glob("[a-z]*.py")}
    assert set(row_of) == set(files)
    for module, source in files.items():
        named = re.findall(r"^\s*from \.(\w+) import|^from \. import (\w+)", source, re.M)
        for other in filter(None, (name for pair in named for name in pair)):
            assert row_of[other] >= row_of[module], f"{module} imports {other}"


def test_every_public_name_is_documented():
    for name in interruptsync.__all__:
        value = getattr(interruptsync, name)
        assert value.__doc__, name
        if inspect.isclass(value) and value in [kind for pair in PAIRS for kind in pair]:
            for member, function in public(value).items():
                if inspect.isfunction(function) and member not in ("close", "address"):
                    assert function.__doc__, f"{name}.{member}"


def test_every_method_and_error_of_the_interface_is_known():
    source = inspect.getsource(calls)
    methods = re.findall(r"^method (\w+)", INTERFACE, re.M)
    assert len(methods) > 15
    for method in methods:
        assert f'_call("{method}"' in source, method
    errors = re.findall(r"^error (\w+)", INTERFACE, re.M)
    assert {f"io.interruptsync.{error}" for error in errors} == {
        name for name in refusals.KNOWN if name.startswith("io.interruptsync.")}
    for code in interruptsync.Code:
        kinds = [kind for kind in vars(interruptsync).values() if inspect.isclass(kind)
                 and issubclass(kind, interruptsync.InterruptSyncError) and kind.code is code]
        assert len(kinds) == 1, code


def test_lint_finds_nothing():
    run(sys.executable, "-m", "flake8", "--max-line-length", "120", "src", "tests", cwd=PACKAGE)


def test_files_open_with_their_idea_and_are_short():
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        assert text.startswith('"""'), path
        assert text.count("\n") <= 350, path
