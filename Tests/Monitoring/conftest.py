"""The daemon as the tests in Tests/Daemon start it, and the programs of Prometheus.

`make test-monitoring` sets INTERRUPTSYNCD, the daemon, and PROMETHEUS, the folder of its programs.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Daemon"))
