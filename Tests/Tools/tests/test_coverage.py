"""The figures of `make coverage` are sums over the files of a target, and each difference from docs/coverage.md fails."""
import importlib.machinery
import importlib.util
import pathlib
import re

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Coverage"


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, str(FOLDER / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


figures, check = script("figures"), script("check")


def test_files_are_summed_by_target():
    files = [{"filename": str(figures.ROOT / "Sources/UIO" / name), "summary": {
        "lines": {"count": 10, "covered": covered}, "regions": {"count": 5, "covered": 4}}}
        for name, covered in (("A.swift", 10), ("Deep/B.swift", 7))]
    assert figures.targets({"data": [{"files": files}]}) == [("UIO", 17, 20, 8, 10)]


SOURCE = """\
final class Line {
  var count: Int {
    guard isOpen else {
      return 0
    }
    return read()
  }

  func wait(
    until end: Int
  ) -> Bool
  {
    let woken = poll(end) {
      retry()
    }
    return woken
  }

  init() throws {
    try open()
  }
}
"""


@pytest.mark.parametrize("number, function", [
    (1, "Line"), (2, "count"), (4, "count"), (7, "count"), (10, "wait"), (14, "wait"), (16, "wait"), (17, "wait"),
    (18, "Line"), (19, "init"), (20, "init"), (22, "Line")])
def test_a_line_belongs_to_the_declaration_around_it(number, function):
    text = SOURCE.splitlines()
    text.insert(0, "")
    assert check.function_of(text, number) == function


def test_lines_without_a_call_are_counted_by_function(tmp_path):
    source = tmp_path / "Sources/UIO/Line.swift"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE)
    lines = f"SF:{source}\nDA:4,0\nDA:5,0\nDA:6,3\nDA:20,0\nend_of_record\n"
    assert check.not_executed(lines, tmp_path) == {("UIO/Line.swift", "count"): 2, ("UIO/Line.swift", "init"): 1}


PAGE = """\
| `UIO` | at least 97 % |
| `UIO/Line.swift` | `count` | 2 | the reason |
| `UIO/Line.swift` | `wait` | 1 at times | a race |
"""
FIGURES = [("UIO", 97, 100, 50, 60), ("Other", 1, 100, 1, 100)]
FOUND = {("UIO/Line.swift", "count"): 2, ("Other/File.swift", "run"): 50}


def test_the_page_and_the_figures_agree():
    assert check.problems(PAGE, FIGURES, FOUND) == ([], 4)


@pytest.mark.parametrize("page, figures, found, said", [
    (PAGE, [("UIO", 96, 100, 50, 60)], FOUND, "UIO: 96.00 %"),
    (PAGE, [], FOUND, "UIO: 0.00 %"),
    (PAGE, FIGURES, FOUND | {("UIO/Line.swift", "init"): 1}, "1 lines of `init` .* does not say why"),
    (PAGE, FIGURES, FOUND | {("UIO/Line.swift", "count"): 3}, "3 lines of `count` .* gives reasons for 2"),
    (PAGE, FIGURES, {}, "every line of `count` is executed"),
    ("", FIGURES, FOUND, "names no target"),
    (PAGE.replace("the reason", ""), FIGURES, FOUND, "does not say why"),
])
def test_each_difference_fails(page, figures, found, said):
    wrong, looked = check.problems(page, figures, found)
    assert len(wrong) == 1 and re.search(said, wrong[0]) and looked >= 1


def test_every_row_of_the_page_is_read():
    page = check.PAGE.read_text()
    assert len(check.ROW.findall(page)) == len(re.findall(r"^\| `[^|]*\.swift`", page, re.M)) > 0
    for file, function, *_ in check.ROW.findall(page):
        text = (check.ROOT / "Sources" / file).read_text().splitlines()
        assert function in {check.function_of(text, number) for number in range(len(text))}, (file, function)
