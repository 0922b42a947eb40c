"""The figures of `make coverage` are sums over the files of a target."""
import importlib.machinery
import importlib.util
import pathlib

PATH = pathlib.Path(__file__).resolve().parents[2] / "Coverage/figures"
loader = importlib.machinery.SourceFileLoader("figures", str(PATH))
figures = importlib.util.module_from_spec(importlib.util.spec_from_loader("figures", loader))
loader.exec_module(figures)


def test_files_are_summed_by_target():
    files = [{"filename": str(figures.ROOT / "Sources/UIO" / name), "summary": {
        "lines": {"count": 10, "covered": covered}, "regions": {"count": 5, "covered": 4}}}
        for name, covered in (("A.swift", 10), ("Deep/B.swift", 7))]
    assert figures.targets({"data": [{"files": files}]}) == [("UIO", 17, 20, 8, 10)]
