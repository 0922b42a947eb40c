"""The dashboard and the rules on the real thing: the daemon, Debian's node exporter, and Debian's Prometheus."""
import json
import re

import pytest
from daemon import eventually
from stack import DASHBOARD, RULES, metrics_of, queries, stack


@pytest.fixture(scope="module")
def everything():
    with stack() as running:
        yield running


def drawn(expression):
    """A query of the dashboard as Grafana asks it, with all machines and devices."""
    for variable, value in ("$__rate_interval", "10s"), ("$instance", ".*"), ("$device", ".*"):
        expression = expression.replace(variable, value)
    assert "$" not in expression, expression
    return expression


def unknown(expressions, exported):
    """The metrics in queries that the exporter does not have."""
    return metrics_of(expressions) - {sample.partition("{")[0] for sample in exported}


def families(everything):
    """The families that the daemon's own text declares, with their types. One may have no samples yet: nothing has
    waited for a lock, and no device says when an interrupt's cause was."""
    with open(f"{everything.daemon.folder}/interruptsync.prom") as file:
        return dict(line.split()[2:4] for line in file if line.startswith("# TYPE "))


def samples(family, kind):
    """The names of a family's samples."""
    endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(kind, [""])
    return {family + ending for ending in endings}


def rules(everything):
    groups = everything.ask("rules")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_node_exporter_accepts_the_daemons_file(everything):
    with everything.daemon.wire() as wire:
        wire.call("Trigger", device="soft", count=17)
    wanted = 'interruptsync_interrupts_total{device="soft"}'
    eventually("17 interrupts", lambda: everything.exported().get(wanted) == 17)
    assert everything.exported()["node_textfile_scrape_error"] == 0


def test_the_daemon_exports_every_metric_of_a_panel_and_a_rule(everything):
    exported = everything.exported()
    expressions = [text for _, text in queries()] + [rule["query"] for rule in rules(everything)]
    declared = set().union(*(samples(*family) for family in families(everything).items()))
    assert unknown(expressions, exported) <= declared
    # The exporter passes on all that have samples, and all are drawn, or a figure would be without a panel.
    own = {sample.partition("{")[0] for sample in exported if sample.startswith("interruptsync_")}
    assert own <= declared and declared <= metrics_of([text for _, text in queries()])
    # A misspelled one is found.
    assert unknown(["rate(interruptsync_interrupt_total[5m]) > node_textfile_mtime_seconds"], exported) == {
        "interruptsync_interrupt_total"}


def test_variables_of_the_dashboard_have_values(everything):
    variables = json.loads(DASHBOARD.read_text())["templating"]["list"]
    asked = [variable["definition"] for variable in variables if variable["type"] == "query"]
    assert metrics_of(asked) == {"interruptsync_device_info"} and len(asked) == 2
    for label, values in ("instance", [f"127.0.0.1:{everything.exporter}"]), ("device", ["other", "soft"]):
        assert everything.ask(f"label/{label}/values", **{"match[]": "interruptsync_device_info"}) == values


def test_every_query_of_the_dashboard_draws_something(everything):
    with everything.daemon.wire() as wire:

        def has_values(expression):
            wire.call("Trigger", device="soft", count=5)
            wire.call("Transact", device="soft", operations=[])
            return everything.value(drawn(expression))

        for title, expression in queries():
            if not unknown([expression], everything.exported()):
                eventually(f"{title}: {expression}", lambda: has_values(expression))
    # A wrong label draws nothing.
    assert everything.value('interruptsync_device_info{state="broken"}') == []


def test_no_alert_fires_for_a_daemon_in_good_order(everything):
    loaded = rules(everything)
    assert len(loaded) == RULES.read_text().count("- alert:")
    eventually("the rules were evaluated", lambda: all(rule["health"] == "ok" for rule in rules(everything)))
    assert [rule["name"] for rule in rules(everything) if rule["state"] == "firing"] == []


def test_the_page_lists_every_metric_and_every_alert(everything):
    page = (RULES.parent.parent / "monitoring.md").read_text()
    own = {name + "_total" if kind == "counter" else name for name, kind in families(everything).items()}
    listed = set(re.findall(r"`(interruptsync_\w+)`", page))
    assert listed == own
    assert re.findall(r"^\| `(InterruptSync\w+)`", page, re.M) == [rule["name"] for rule in rules(everything)]
