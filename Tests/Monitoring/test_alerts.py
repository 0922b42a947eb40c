"""Each alert fires on what it is for, and stays silent otherwise: promtool's unit tests of rules, from a table."""
import json
import re

import pytest
from stack import RULES, promtool

TARGET = 'instance="m",job="node"'
FILE = "/var/lib/prometheus/node-exporter/interruptsync.prom"


def sample(metric, **labels):
    pairs = [f'{key}="{value}"' for key, value in labels.items()]
    return f"interruptsync_{metric}{{{','.join([TARGET, *pairs])}}}"


def counter(name):
    return sample(f"{name}_total", device="d")


def state(name):
    return sample("device_info", device="d", driver="uio_pci_generic", name="x", state=name)


WRITTEN = f'node_textfile_mtime_seconds{{{TARGET},file="{FILE}"}}'

# Of each alert: when it is looked at, in minutes, the series with which it fires, and those with which it is silent.
# The series have a value a minute, in promtool's notation: 0+6x3 is 0, 6, 12, 18, and 1+0x3 is 1 four times.
ALERTS = {
    "InterruptSyncDeviceFailed": (2, [{state("failed"): "1+0x10"}], [
        {state("connected"): "1+0x10"}, {state("failed"): "_ _ 1+0x10"}]),
    "InterruptSyncDeviceGone": (7, [{state("gone"): "1+0x10"}], [
        {state("gone"): "_x3 1+0x10"}, {state("connected"): "1+0x10"}]),
    "InterruptSyncStorm": (15, [{counter("storms"): "0+0x8 1+0x10"}], [
        {counter("storms"): "3+0x20"}, {counter("storms"): "0+0x2 1+0x20"}]),
    "InterruptSyncLineMasked": (7, [{state("storming"): "1+0x10"}], [
        {state("storming"): "_x3 1+0x10"}, {state("connected"): "1+0x10"}]),
    "InterruptSyncRearmFailed": (15, [{counter("rearm_failures"): "4+0x8 5+0x10"}], [
        {counter("rearm_failures"): "5+0x20"}]),
    "InterruptSyncMostlyUnclaimed": (30, [
        {counter("dispatches"): "0+600x40", counter("unclaimed"): "0+400x40"}], [
        {counter("dispatches"): "0+600x40", counter("unclaimed"): "0+200x40"},
        # Less than one a second.
        {counter("dispatches"): "0+30x40", counter("unclaimed"): "0+30x40"},
        # For a few minutes only.
        {counter("dispatches"): "0+600x40", counter("unclaimed"): "0+0x25 0+600x15"}]),
    "InterruptSyncSlowRoutine": (15, [{sample("longest_hold_seconds", device="d"): "0.0001+0x8 0.005+0x10"}], [
        {sample("longest_hold_seconds", device="d"): "0.005+0x20"},
        {sample("longest_hold_seconds", device="d"): "0.0001+0x8 0.0009+0x10"},
        # The statistics were reset.
        {sample("longest_hold_seconds", device="d"): "0.005+0x8 0.002+0x10"}]),
    "InterruptSyncLongWait": (15, [{sample("longest_wait_seconds", device="d"): "0.0001+0x8 0.005+0x10"}], [
        {sample("longest_wait_seconds", device="d"): "0.005+0x20"},
        {sample("longest_wait_seconds", device="d"): "0.0001+0x8 0.0009+0x10"}]),
    "InterruptSyncSilent": (300, [{counter("interrupts"): "0+10x120 1200+0x300", state("connected"): "1+0x400"}], [
        # It interrupts.
        {counter("interrupts"): "0+10x400", state("connected"): "1+0x400"},
        # It never did.
        {counter("interrupts"): "7+0x400", state("connected"): "1+0x400"},
        # It is not connected.
        {counter("interrupts"): "0+10x120 1200+0x300", state("listed"): "1+0x400"},
        # It has not been silent for long.
        {counter("interrupts"): "0+10x280 2800+0x100", state("connected"): "1+0x400"}]),
    # The time of promtool's clock begins at 0 s.
    "InterruptSyncMetricsStale": (10, [{WRITTEN: "0+0x20"}], [
        {WRITTEN: "0+60x20"}, {WRITTEN.replace("interruptsync.prom", "other.prom"): "0+0x20"}]),
    "InterruptSyncMetricsGone": (30, [{state("connected"): "1+0x15 _x30"}], [
        {state("connected"): "1+0x40"}, {state("connected"): "1+0x15 0+0x2 _ 1+0x30"}, {WRITTEN: "0+60x40"}]),
}


def verdict(tmp_path, alert, minute, series, fires):
    """Whether promtool agrees. Labels and texts of what fires are compared by the test of texts below."""
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{
            "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": "{}", "value": int(fires)}],
        }],
    }
    # JSON is YAML.
    path = tmp_path / "test.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    return promtool("test", "rules", str(path))


def test_promtool_accepts_the_rules():
    status, text = promtool("check", "rules", str(RULES))
    assert status == 0 and f"{len(ALERTS)} rules found" in text, text


def test_promtool_notices_a_broken_rule(tmp_path):
    broken = tmp_path / "broken.rules.yml"
    broken.write_text(RULES.read_text().replace("increase(interruptsync_storms_total[10m])", "increase(x)", 1))
    assert promtool("check", "rules", str(broken))[0] != 0


def test_every_alert_is_in_the_table():
    assert re.findall(r"- alert: (\w+)", RULES.read_text()) == list(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_it_fires(alert, tmp_path):
    minute, firing, _ = ALERTS[alert]
    assert firing
    for series in firing:
        status, text = verdict(tmp_path, alert, minute, series, True)
        assert status == 0, (series, text)
        # promtool says so when it does not.
        assert verdict(tmp_path, alert, minute, series, False)[0] != 0


@pytest.mark.parametrize("alert", ALERTS)
def test_it_stays_silent(alert, tmp_path):
    minute, _, silent = ALERTS[alert]
    assert silent
    for series in silent:
        status, text = verdict(tmp_path, alert, minute, series, False)
        assert status == 0, (series, text)
        assert verdict(tmp_path, alert, minute, series, True)[0] != 0


def test_texts_of_what_fires_name_device_and_machine(tmp_path):
    minute, (series, *_), _ = ALERTS["InterruptSyncDeviceFailed"]
    expected = {
        "exp_labels": {"severity": "critical", "instance": "m", "job": "node", "device": "d", "name": "x",
                       "driver": "uio_pci_generic", "state": "failed"},
        "exp_annotations": {
            "summary": "d on m cannot be serviced",
            "description": "Its interrupts are masked. The journal and `interruptsyncctl info d` say why."},
    }
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": "InterruptSyncDeviceFailed",
                             "exp_alerts": [expected]}],
    }
    path = tmp_path / "test.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    status, text = promtool("test", "rules", str(path))
    assert status == 0, text
