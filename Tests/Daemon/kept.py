"""What the service manager keeps for the daemon while it is not running, as a released version left it and as a later one
might: a small service manager, and the formats as version 0.1.0 wrote and read them. These formats do not change: what a
later version adds, a released one must skip.

`python3 Tests/Daemon/kept.py VERSION` records the memory of the built daemon in Tests/Daemon/released. Run it once at a
release, as root, and never again for that version.
"""
import array
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys

from daemon import PATIENCE, PROGRAM, Daemon, eventually

RELEASED = pathlib.Path(__file__).with_name("released")
MAGIC, PLACE = b"ISYNCTOT", 256 * 1024
LINES = ("soft", "second")
DEVICE = "[Device]\nMode=all\n"


# The formats of version 0.1.0

def checksum(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


def table(data):
    """(sequence, {id: (count, totals)}) of one place, or None where no whole table is."""
    if data[:8] != MAGIC:
        return None
    version, length, sequence, total, records, header = struct.unpack_from("<IIQQII", data, 8)
    data = data[:length]
    if version < 2 or total != checksum(data[:24] + data[32:]):
        return None
    devices, at = {}, header
    for _ in range(records):
        size, name = struct.unpack_from("<IH", data, at)
        number, = struct.unpack_from("<H", data, at + 10 + name)
        count, = struct.unpack_from("<I", data, at + 6 + name)
        devices[data[at + 6:at + 6 + name].decode()] = count, list(struct.unpack_from(f"<{number}Q", data, at + 12 + name))
        at += 4 + size
    return sequence, devices


def newest(memory):
    """The table of the place that was written last."""
    tables = [found for found in (table(memory[:PLACE]), table(memory[PLACE:])) if found]
    return max(tables, key=lambda found: found[0]) if tables else None


def written(sequence, devices, later=False):
    """A table as version 0.1.0 writes it; or with what a later version may add to the header, the totals, each record and
    the end."""
    body = b""
    for name, (count, totals) in devices.items():
        totals = totals + [12, 13] if later else totals
        record = struct.pack("<H", len(name)) + name.encode() + struct.pack("<IH", count, len(totals))
        record += struct.pack(f"<{len(totals)}Q", *totals) + (b"of a record" if later else b"")
        body += struct.pack("<I", len(record)) + record
    body += b"a new section" if later else b""
    more = b"new word" if later else b""
    start = MAGIC + struct.pack("<IIQ", 9 if later else 2, 40 + len(more) + len(body), sequence)
    rest = struct.pack("<II", len(devices), 40 + len(more)) + more + body
    return start + struct.pack("<Q", checksum(start + rest)) + rest


def placed(data, place):
    """The file of totals with one table in it."""
    other = bytes(PLACE)
    data = data.ljust(PLACE, b"\0")
    return other + data if place else data + other


def configuration(data):
    """The text of a kept configuration."""
    line, _, text = data.partition(b"\n")
    words = line.split()
    assert words[:2] == [b"interruptsync", b"configuration"], line
    assert (int(words[3]), int(words[4])) == (len(text), checksum(text)), line
    return text.decode()


# The service manager

def memory(data):
    file = os.memfd_create("kept")
    os.write(file, data)
    return file


def content(file):
    return os.pread(file, os.fstat(file).st_size, 0)


class KeptDaemon(Daemon):
    """The daemon under a service manager that keeps descriptors for it over restarts."""

    def __init__(self, kept=None, lines=LINES, device=DEVICE, fault=None):
        self.kept = {name: memory(data) for name, data in (kept or {}).items()}
        self.manager = None
        self.fault = fault
        super().__init__(lines, device=device)

    def launch(self, output):
        if self.fault is not None:
            self.write("devices/10-soft.device", self.fault)
        if self.manager is None:
            self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.manager.bind(self.folder + "/notify")
        names = sorted(self.kept)

        def place():
            held = [fcntl.fcntl(self.kept[name], fcntl.F_DUPFD, 100) for name in names]
            for number, file in enumerate(held, 3):
                os.dup2(file, number)
                os.close(file)

        environment = os.environ | {"NOTIFY_SOCKET": self.folder + "/notify", "LISTEN_FDS": str(len(names)),
                                    "LISTEN_FDNAMES": ":".join(names)}
        return subprocess.Popen(
            ["sh", "-c", 'export LISTEN_PID=$$; exec "$0" "$@"', PROGRAM, "--config-root", self.folder, "--listen", self.path],
            stdout=output, stderr=output, env=environment, preexec_fn=place, close_fds=False)

    def hear(self):
        """Does what the daemon's messages so far ask for."""
        self.manager.setblocking(False)
        while True:
            try:
                text, control, _, _ = self.manager.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
            except BlockingIOError:
                return
            files = array.array("i")
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    files.frombytes(data)
            said = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            if said.get("FDSTOREREMOVE") == "1":
                os.close(self.kept.pop(said["FDNAME"]))
            for file in files:
                self.kept[said["FDNAME"]] = file

    def stop(self):
        """Ends the daemon. Returns what is kept of it, by name."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        self.hear()
        return {name: content(file) for name, file in self.kept.items()}

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        with open(self.log_path, "a") as log:
            self.process = self.launch(log)
        eventually("the daemon listens", self.listens)

    def replace(self, name, data):
        """As if the version that ran meanwhile had kept this."""
        os.close(self.kept.pop(name))
        self.kept[name] = memory(data)

    def statistics(self, device):
        with self.wire() as wire:
            return wire.call("GetStatistics", device=device)["statistics"][0]

    def saved_since(self, sequence):
        """The newest table, once it is newer than that. The daemon writes one each second."""
        def look():
            found = newest(content(self.kept["state"]))
            return found if found and found[0] > sequence else None
        return eventually("a table of totals", look)


# The memory of released versions

def released(path):
    """(what a version kept, by name, and the devices in it)."""
    found = json.loads(path.read_text())
    kept = {"state": placed(bytes.fromhex(found["table"]), found["place"]), "configuration": found["configuration"].encode()}
    return kept, {name: (count, totals) for name, (count, totals) in found["devices"].items()}


def record(version):
    # A software line, which shows its totals (of dispatches it keeps those with a claim and those without), and a device
    # that is not there.
    devices = {"soft": (7, [300, 200, 100, 150, 50, 200, 6, 7, 8, 9, 10, 11]), "pci-0000:00:03.0": (2**32 - 1, [2**64 - 1] + list(range(201, 212)))}
    with KeptDaemon({"state": placed(written(5, devices), 0)}) as daemon:
        daemon.saved_since(5)
        kept = daemon.stop()
        daemon.start()
        # The folder of this run is nothing of the version.
        text = configuration(kept["configuration"]).replace(daemon.folder, "").encode()
    words = kept["configuration"].split(b"\n")[0].split()[:3] + [str(len(text)).encode(), str(checksum(text)).encode()]
    state, (sequence, devices) = kept["state"], newest(kept["state"])
    place = int(table(state[:PLACE])[0] != sequence)
    RELEASED.mkdir(exist_ok=True)
    with open(RELEASED / f"kept-{version}.json", "x") as file:
        json.dump({"devices": devices, "place": place, "table": state[PLACE * place:PLACE * (place + 1)].rstrip(b"\0").hex(),
                   "configuration": (b" ".join(words) + b"\n" + text).decode()}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    record(sys.argv[1])
