"""Every model holds in every form, and each broken form fails: a model that cannot fail proves nothing."""

import os
import re

import pytest

import checker
import properties

MODELS = sorted(path.stem for path in checker.MODELS.glob("*.pml"))


def forms(rows):
    return [(model, defines, kind) for model, defines, kinds in rows for kind in kinds.split()]


def holds(model, defines, kind):
    result = checker.check(model, defines, kind)
    assert result.errors == 0, result.output + result.trail[-6000:]
    print(f"{model} {defines or 'plain'} {kind}: {result.states} states")


@pytest.mark.parametrize("model, defines, kind", forms(properties.HOLD))
def test_the_protocol_holds(model, defines, kind):
    holds(model, defines, kind)


if os.environ.get("SOAK"):

    @pytest.mark.parametrize("model, defines, kind", forms(properties.HOLD_IN_FULL))
    def test_the_protocol_holds_in_full(model, defines, kind):
        holds(model, defines, kind)


@pytest.mark.parametrize("model, defines, kind, fault", properties.FAIL)
def test_a_broken_protocol_fails(model, defines, kind, fault):
    # It fails early: compiling takes longer than the search.
    assert checker.check(model, defines, kind, "-O0").errors > 0, f"{fault}, and no property notices"


@pytest.mark.parametrize("model", MODELS)
def test_each_model_has_a_broken_form(model):
    assert any(row[0] == model for row in properties.FAIL)
    assert any(row[0] == model for row in properties.HOLD)


def test_each_broken_form_of_the_models_is_checked():
    written = set()
    for model in MODELS:
        text = (checker.MODELS / f"{model}.pml").read_text()
        written |= {(model, name) for name in re.findall(r"\bBREAK_[A-Z]+\b", text)}
    used = {(row[0], name) for row in properties.FAIL for name in re.findall(r"BREAK_[A-Z]+", row[1])}
    assert used == written
