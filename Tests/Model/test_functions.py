"""The models are of the code that there is."""

import checker
import functions


def test_no_function_changed_without_a_look_at_its_model():
    assert list(functions.faults()) == []


def test_each_model_names_its_functions():
    models = {path.stem for path in checker.MODELS.glob("*.pml")}
    assert {row[0] for row in functions.rows()} == models


def test_each_process_is_in_its_model():
    for model, process, *_ in functions.rows():
        text = (checker.MODELS / f"{model}.pml").read_text()
        assert f"proctype {process}(" in text, f"{model}.pml has no process {process}"


def test_a_change_is_found_and_a_comment_is_none(tmp_path):
    (tmp_path / "a.swift").write_text("func one() { // before\n  two(); if x { three() }\n}\nfunc four() {}\n")
    listed = tmp_path / "functions.txt"
    listed.write_text(f"m P a.swift func one( {functions.digest(tmp_path, 'a.swift', 'func one(')}\n")
    assert list(functions.faults(tmp_path, listed)) == []
    text = (tmp_path / "a.swift").read_text()
    (tmp_path / "a.swift").write_text(text.replace("// before", "/* after\n */"))
    assert list(functions.faults(tmp_path, listed)) == []
    (tmp_path / "a.swift").write_text(text.replace("three()", "three(1)"))
    assert "has changed" in list(functions.faults(tmp_path, listed))[0]
    (tmp_path / "a.swift").write_text("func four() {}\n")
    assert "there is no" in list(functions.faults(tmp_path, listed))[0]
