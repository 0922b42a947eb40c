"""The figures in OpenMetrics' text form, read by the parser of PyPI's prometheus_client."""
import http.client
import os
import socket
import subprocess
import tempfile
import time

from daemon import NOBODY, PATIENCE, PROGRAM, Daemon, as_user, eventually
from judge import check, run
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def samples(text):
    """Every sample, by name and labels; fails on one that is there twice, which the parser lets pass."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def of(device, found):
    """The figures of one device without its labels."""
    return {name: value for (name, labels), value in found.items() if dict(labels) == {"device": device}}


FIGURES = {
    "interruptsync_interrupts_total": "interrupts",
    "interruptsync_dispatches_total": "dispatches",
    "interruptsync_coalesced_total": "coalesced",
    "interruptsync_claimed_total": "claimed",
    "interruptsync_unclaimed_total": "unclaimed",
    "interruptsync_passes_total": "passes",
    "interruptsync_rearm_failures_total": "rearmFailures",
    "interruptsync_storms_total": "storms",
    "interruptsync_synchronized_calls_total": "synchronizedCalls",
}


@check
def figures_are_those_of_the_statistics():
    with Daemon(lines=("soft", "other", "idle")) as daemon, daemon.wire() as wire:
        for count in (1, 20, 300):
            wire.call("Trigger", device="soft", count=count)
            wire.call("Trigger", device="other", count=2 * count)
        wire.call("Transact", device="soft", operations=[])
        eventually("321", lambda: daemon.interrupts(wire, "soft") == 321)
        eventually("642", lambda: daemon.interrupts(wire, "other") == 642)

        def agree():
            before = wire.call("GetStatistics")["statistics"]
            found = samples(wire.call("GetMetrics")["text"])
            # A dispatch that is ending may move a figure in between.
            return found if before == wire.call("GetStatistics")["statistics"] else None

        found = eventually("figures that stand still", agree)
        for entry in wire.call("GetStatistics")["statistics"]:
            figures = of(entry["id"], found)
            for name, field in FIGURES.items():
                assert figures[name] == entry[field], (entry, name, figures[name])
            for name in ("Hold", "Wait"):
                value = figures[f"interruptsync_longest_{name.lower()}_seconds"]
                assert abs(value - entry[f"longest{name}Nanoseconds"] / 1e9) < 1e-12, (entry, value)
            for routine in entry["routines"]:
                labels = (("device", entry["id"]), ("routine", routine["name"]))
                for field in ("calls", "claims"):
                    value = found[f"interruptsync_routine_{field}_total", labels]
                    assert value == routine[field], (entry, field, value)
        assert of("soft", found)["interruptsync_interrupts_total"] == 321
        assert of("idle", found)["interruptsync_interrupts_total"] == 0
        states = {dict(labels)["device"]: dict(labels)["state"] for (name, labels) in found if name.endswith("_info")}
        assert states["soft"] == "connected", states
        wire.call("Disconnect", device="soft")
        text = wire.call("GetMetrics")["text"]
        assert any(dict(labels).get("state") == "listed" for _, labels in samples(text))
    return f"{len(found)} samples"


@check
def the_textfile_is_whole_whenever_it_is_read():
    settings = "MetricsTextfile={folder}/interruptsync.prom\nMetricsIntervalSec=1s"
    with Daemon(settings=settings) as daemon, daemon.wire() as wire:
        path = daemon.folder + "/interruptsync.prom"
        wire.call("Trigger", device="soft", count=17)

        def read():
            with open(path) as file:
                text = file.read()
            assert text.endswith("# EOF\n"), text[-200:]
            # Without times of its own, as the node exporter wants it.
            assert all(len(line.split("} ")[-1].split()) == 1 for line in text.splitlines() if line[0] != "#"), text
            return of("soft", samples(text))["interruptsync_interrupts_total"] == 17

        eventually("the file", lambda: os.path.exists(path) and read())
        assert os.stat(path).st_mode & 0o777 == 0o644, oct(os.stat(path).st_mode)


class Scrape(http.client.HTTPConnection):
    """HTTP over a local socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method="GET", path="/metrics", **more):
        """The answer and its text."""
        self.request(method, path, **more)
        answer = self.getresponse()
        return answer, answer.read().decode()


def raw(path, data, half=False):
    """What is answered to bytes, until the daemon closes the connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(path)
        try:
            client.sendall(data)
            if half:
                client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        while True:
            try:
                piece = client.recv(65536)
            except ConnectionResetError:
                return answer
            if not piece:
                return answer
            answer += piece


SERVED = "MetricsSocket={folder}/metrics"
CONTENT = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@check
def figures_are_scraped_over_http():
    with Daemon(lines=("soft", "idle"), settings=SERVED) as daemon, daemon.wire() as wire:
        path = daemon.folder + "/metrics"
        assert os.stat(path).st_mode & 0o777 == 0o664, oct(os.stat(path).st_mode)
        wire.call("Trigger", device="soft", count=23)
        eventually("23", lambda: daemon.interrupts(wire) == 23)
        answer, text = Scrape(path).ask()
        assert (answer.status, answer.version, answer.reason) == (200, 11, "OK"), answer
        assert answer.getheader("Content-Type") == CONTENT and answer.getheader("Connection") == "close"
        assert int(answer.getheader("Content-Length")) == len(text.encode())
        stamp = answer.getheader("Date")
        assert abs(time.mktime(time.strptime(stamp, "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone - time.time()) < 120
        found = samples(text)
        assert of("soft", found)["interruptsync_interrupts_total"] == 23
        assert of("idle", found)["interruptsync_interrupts_total"] == 0
        head, nothing = Scrape(path).ask("HEAD")
        assert head.status == 200 and nothing == "", nothing
        assert head.getheader("Content-Length") == answer.getheader("Content-Length")
        assert Scrape(path).ask(path="/metrics?collect=all")[0].status == 200
    assert not os.path.exists(path)
    return f"{len(found)} samples"


@check
def what_is_not_there_or_not_allowed_is_said():
    with Daemon(settings=SERVED) as daemon:
        path = daemon.folder + "/metrics"
        for target in ("/", "/metric", "/metrics/", "//metrics", "/../metrics"):
            assert Scrape(path).ask(path=target)[0].status == 404, target
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
            answer, _ = Scrape(path).ask(method)
            assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD"), method
        body = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
        assert raw(path, body).startswith(b"HTTP/1.1 405 ")
        assert raw(path, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        # Many at once on one connection: the first is answered, and the connection closed.
        one = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        assert raw(path, one * 20).count(b"HTTP/1.1 ") == 1
        daemon.still_dispatches()


@check
def what_is_no_request_is_refused():
    with Daemon(settings=SERVED) as daemon:
        path = daemon.folder + "/metrics"
        for data in (
            b"\0\0\0\n\r\n", b"GET\r\n\r\n", b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost\r\n\r\n",
            b'{"method":"io.interruptsync.ListDevices"}\0\n\n', b"\xff\xfe / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\n\n",
        ):
            assert raw(path, data).startswith(b"HTTP/1.1 400 "), data
        for data in (b"x" * 100_000, b"GET /" + b"x" * 9000, b"\n" * 1000):
            assert raw(path, data).startswith(b"HTTP/1.1 431 "), data[:20]
        assert raw(path, b"GET / HTTP/2.0\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 505 ")
        for data in (b"", b"GET /metrics HTTP/1.1\r\n"):
            assert raw(path, data, half=True) == b"", data
        daemon.still_dispatches()


@check
def the_slow_and_the_many_hold_nobody_up():
    with Daemon(settings=SERVED + "\nConnectionsPerUserMax=40") as daemon, daemon.wire() as wire:
        path = daemon.folder + "/metrics"
        # Answered: its connection is among the daemon's descriptors.
        wire.call("ListDevices")
        before = len(daemon.descriptors())
        begun = time.monotonic()
        slow = []
        for number in range(40):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(PATIENCE)
            client.connect(path)
            client.sendall(b"GET /metrics HTTP/1.1\r\n"[: number % 20])
            slow.append(client)
        assert raw(path, b"").startswith(b"HTTP/1.1 503 ")
        daemon.still_dispatches()
        # They are cut off in 10 s, whatever they send meanwhile.
        answers = [client.recv(4096) for client in slow]
        assert all(answer.startswith(b"HTTP/1.1 408 ") == (number % 20 > 0) for number, answer in enumerate(answers))
        seconds = time.monotonic() - begun
        for client in slow:
            client.close()
        eventually("their descriptors", lambda: len(daemon.descriptors()) <= before)
        assert seconds > 9, seconds
        for _ in range(300):
            assert Scrape(path).ask()[0].status == 200
        eventually("their descriptors", lambda: len(daemon.descriptors()) <= before)
        daemon.still_dispatches()
    return f"cut off after {seconds:.1f} s"


@check
def who_may_not_look_sees_nothing():
    settings = SERVED + "\nObserveGroup=no-such-group"
    with Daemon(settings=settings) as daemon:
        path = daemon.folder + "/metrics"
        assert Scrape(path).ask()[0].status == 200
        os.chmod(path, 0o666)
        as_user(NOBODY, NOBODY, lambda: expect_status(path, 403))
    device = "[Device]\nObserveGroup=no-such-group"
    with Daemon(settings=SERVED, device=device) as daemon:
        path = daemon.folder + "/metrics"
        os.chmod(path, 0o666)
        assert of("soft", samples(Scrape(path).ask()[1]))

        def look():
            answer, text = Scrape(path).ask()
            assert answer.status == 200 and not of("soft", samples(text)), text

        as_user(NOBODY, NOBODY, look)


def expect_status(path, status):
    answer, _ = Scrape(path).ask()
    assert answer.status == status, answer.status


@check
def the_socket_and_the_file_follow_a_reload():
    with Daemon(settings=SERVED) as daemon, daemon.wire() as wire:
        first, second = daemon.folder + "/metrics", daemon.folder + "/second"
        textfile = daemon.folder + "/x.prom"

        def configure(text):
            daemon.write("interruptsyncd.conf", "[Daemon]\n" + text)
            wire.call("Reload")

        configure(f"MetricsSocket={second}\nMetricsTextfile={textfile}\n")
        assert not os.path.exists(first) and Scrape(second).ask()[0].status == 200
        assert os.path.exists(textfile)
        # One that cannot be had leaves the one of before.
        configure(f"MetricsSocket={daemon.folder}/missing/metrics\n")
        assert "missing/metrics" in daemon.log and Scrape(second).ask()[0].status == 200
        configure("")
        assert not os.path.exists(second)
        daemon.still_dispatches()


@check
def a_socket_that_is_passed_is_served():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/passed"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        os.makedirs(folder + "/etc/interruptsync/devices")
        with open(folder + "/etc/interruptsync/devices/10-soft.device", "w") as file:
            file.write("[Match]\nSoftwareLine=soft\n")
        os.set_inheritable(listener.fileno(), True)
        shell = f'exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=metrics exec "$@"'
        daemon = subprocess.Popen(
            ["sh", "-c", shell, "sh", PROGRAM, "--config-root", folder], pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL)
        listener.close()
        try:
            assert of("soft", samples(Scrape(path).ask()[1]))["interruptsync_interrupts_total"] == 0
        finally:
            daemon.terminate()
            assert daemon.wait(PATIENCE) == 0


run()
