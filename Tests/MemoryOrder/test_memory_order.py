"""The protocols between threads under C11's memory order, and docs/memory-order.md, whose every order is needed."""
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = (ROOT / "docs/memory-order.md").read_text()
SPARE = "nothing fails"
# Orders of Swift's Atomic that order something.
SWIFT = re.compile(r"\b[oO]rdering: *\.(?!relaxed)\w+")


def rows(columns):
    """The tables of the page with so many columns, without their heads."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and cells[0] not in ("file", "---"):
            yield cells


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the explorer."""
    out = tmp_path_factory.mktemp("explorer")
    made = subprocess.run(["make", "-C", HERE, f"OUT={out}", "all"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return out


def test_what_is_known_of_the_memory_order_comes_out(built):
    """A program's weak outcome is found exactly where C11 permits it: the judge of everything below."""
    done = subprocess.run([built / "litmus"], capture_output=True, text=True, timeout=60, check=False)
    failed = set(re.findall(r"^FAIL (.*?): (?:what must hold|a data race)", done.stdout, re.M))
    held = set(re.findall(r"^(.*): \d+ executions$", done.stdout, re.M))
    assert (len(failed), len(held)) == (7, 9), done.stdout
    assert all(name.startswith("weak: ") for name in failed) and not any(name.startswith("weak") for name in held)


@pytest.fixture(scope="module")
def explored(built):
    """The scenarios with their executions, and the sites with what fails when they are weaker, as the explorer says."""
    done = subprocess.run([built / "scenarios", "--weaken"], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    scenarios, sites = {}, {}
    for line in done.stdout.splitlines():
        if line.startswith("site "):
            file, function, operation, order, number = line.split()[1:]
            present = sites.setdefault((file, function, operation, order), {}).setdefault(int(number), set())
        elif line.startswith("  "):
            present.add(line.split(": ", 1)[1])
        else:
            name, executions = re.fullmatch(r"(.*): (\d+) executions", line).groups()
            scenarios[name] = int(executions)
    return scenarios, sites


def test_each_scenario_holds_in_every_execution(explored):
    scenarios, _ = explored
    assert len(scenarios) > 15
    assert min(scenarios.values()) > 1


def test_the_pages_tables_have_each_order_and_what_fails_without_it(explored):
    _, sites = explored
    found = []
    for site, places in sites.items():
        found += [(*site, *sorted(places[line])) for line in sorted(places) if site[3] != "relaxed"]
    wanted = [(*cells[:4], *sorted({cells[5].split(":")[0]})) for cells in rows(6)]
    assert sorted(found) == sorted(wanted)


def test_an_order_that_nothing_needs_has_a_reason():
    for cells in rows(6):
        assert not cells[5].startswith(SPARE) or cells[5].startswith(SPARE + ": "), cells


def test_each_scenario_needs_an_order(explored):
    scenarios, _ = explored
    needed = {cells[5] for cells in rows(6)}
    # This one is what the page says of counters: they order nothing.
    assert set(scenarios) - needed == {"a counter never runs backwards"}


def functions(text):
    """The functions of a C file that execute an operation with an order, by name; for one in a macro, None."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    macros = "".join(re.findall(r"^#(?:[^\n\\]|\\.|\\\n)*", text, re.M))
    if re.search(r"__ATOMIC_(?!RELAXED)", macros):
        yield None
    text = re.sub(r"^#(?:[^\n\\]|\\.|\\\n)*", "", text, flags=re.M)
    # A function of one line, or one that ends with a brace at the line's beginning.
    for head, code in re.findall(r"^((?!\})[^;{}\n][^;{}]*)\{( .*\}$|\n(?:.*\n)*?\})", text, re.M):
        if re.search(r"__ATOMIC_(?!RELAXED)", code):
            yield next(name for name in re.findall(r"(\w+)\(", head) if name not in ("__attribute__", "aligned"))


def test_the_page_names_each_function_in_c_that_asks_for_an_order():
    named = {(cells[0], name) for columns in (3, 6) for cells in rows(columns) for name in re.findall(r"\w+", cells[1])}
    files = {cells[0] for cells in rows(3)}
    found = {(path.name, name) for path in (ROOT / "Sources").rglob("*.[ch]") for name in functions(path.read_text())}
    assert len(found) > 60
    # What Windows' documents call a full barrier is named by its file, as macros are.
    by_file = {(file, name) for file, name in found if file in files and (name is None or file == "lists.h")}
    assert found - named - by_file == set()


def test_the_page_names_each_file_in_swift_that_asks_for_an_order():
    named = set(re.findall(r"[\w+]+\.swift", PAGE))
    found = {path.name for path in (ROOT / "Sources").rglob("*.swift") if SWIFT.search(path.read_text())}
    assert len(found) > 15
    assert found == named
