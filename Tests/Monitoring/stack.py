"""What watches a machine in the field: the daemon's text file, the node exporter that reads it, and a Prometheus that
scrapes the exporter and evaluates the rules."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from daemon import PATIENCE, Daemon, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "docs/monitoring/interruptsync.rules.yml"
DASHBOARD = ROOT / "docs/monitoring/interruptsync-dashboard.json"
PROGRAMS = pathlib.Path(os.environ.get("PROMETHEUS", "."))
METRIC = re.compile(r"\b((?:interruptsync|node)_[a-z_]+)\b(?!\s*=)")


def promtool(*arguments):
    """Its exit status, and what it said."""
    done = subprocess.run([PROGRAMS / "promtool", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def metrics_of(expressions):
    """The names of metrics in queries; what stands before a comparison is a label."""
    return {name for text in expressions for name in METRIC.findall(re.sub(r'"[^"]*"', '""', text))}


def panels():
    """The panels that draw something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries():
    """(panel, expression) of the dashboard."""
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextlib.contextmanager
def running(*command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        said = process.communicate()[1]
        print(f"{command[0]} said:\n" + said[-4000:])


def fetched(url):
    """The text behind a URL, or None while nothing listens there, or it is not ready."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return reply.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


class Stack:
    """The three of them, with the ports that they listen on."""

    def __init__(self, daemon, exporter, prometheus):
        self.daemon, self.exporter, self.prometheus = daemon, exporter, prometheus

    def exported(self):
        """What the node exporter says: values by the sample's text before it."""
        text = fetched(f"http://127.0.0.1:{self.exporter}/metrics")
        if text is None:
            return None
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    def ask(self, path, **parameters):
        """The data of one of Prometheus' answers; None when there is none."""
        query = urllib.parse.urlencode(parameters)
        text = fetched(f"http://127.0.0.1:{self.prometheus}/api/v1/{path}?{query}")
        return text and json.loads(text)["data"]

    def value(self, expression):
        """The samples of an instant query; [] when the query is in error."""
        data = self.ask("query", query=expression)
        return data["result"] if data else []


@contextlib.contextmanager
def stack():
    """Everything, with two software lines. Times are short, so that rates have their two samples soon."""
    settings = "MetricsTextfile={folder}/interruptsync.prom\nMetricsIntervalSec=1s"
    exporter, prometheus = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, Daemon(lines=("soft", "other"), settings=settings) as daemon:
        # As docs/monitoring.md has it: the exporter's folder has a link.
        textfiles = pathlib.Path(folder, "textfiles")
        textfiles.mkdir()
        (textfiles / "interruptsync.prom").symlink_to(f"{daemon.folder}/interruptsync.prom")
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}],
        }
        # JSON is YAML.
        pathlib.Path(folder, "prometheus.yml").write_text(json.dumps(configuration))
        with running(PROGRAMS / "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                     f"--collector.textfile.directory={textfiles}", f"--web.listen-address=127.0.0.1:{exporter}"), \
             running(PROGRAMS / "prometheus", f"--config.file={folder}/prometheus.yml",
                     f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{prometheus}"):
            all_of_it = Stack(daemon, exporter, prometheus)
            eventually("the node exporter", all_of_it.exported)
            eventually("Prometheus has scraped the daemon's metrics",
                       lambda: all_of_it.value("interruptsync_device_info"))
            yield all_of_it
