"""The dashboard's form: what Grafana would otherwise show as a broken or hidden panel."""
import json

import pytest
from stack import DASHBOARD, panels

WIDTH = 24


def dashboard():
    return json.loads(DASHBOARD.read_text())


def overlapping(places):
    """The first two places that share a cell, or None."""
    taken = {}
    for name, place in places:
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    return taken[x, y], name
                taken[x, y] = name
    return None


def places():
    return [(panel["title"], panel["gridPos"]) for panel in dashboard()["panels"]]


def test_panels_have_ids_and_titles_of_their_own():
    all_of_them = dashboard()["panels"]
    for key in "id", "title":
        values = [panel[key] for panel in all_of_them]
        assert len(values) == len(set(values)), values


def test_panels_do_not_overlap():
    assert overlapping(places()) is None
    assert all(place["x"] + place["w"] <= WIDTH for _, place in places())
    first, second = places()[1][1], places()[2][1]
    assert overlapping([("a", first), ("b", {**second, "x": first["x"]})]) == ("a", "b")


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_panels_say_what_they_show(panel):
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    for part in [panel, *panel["targets"]]:
        assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    # Each curve says whose it is.
    if panel["type"] == "timeseries":
        assert all("{{instance}} {{device}}" in target["legendFormat"] for target in panel["targets"])


def test_the_dashboard_can_be_loaded_again():
    # With an id Grafana would look for a dashboard of its own; the uid is what it finds this one by.
    assert "id" not in dashboard() and dashboard()["uid"] == "interruptsync"
