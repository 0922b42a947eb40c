"""The parts of every test in this folder: the built daemon in the background, connections to it in bytes, the reading
end of its rings, and processes of other users. `Daemon.line` raises interrupts without a call to the daemon.

INTERRUPTSYNCD is the program. SOAK=1 asks for the long form of the tests that draw random numbers: ten times as many.
"""
import array
import contextlib
import ctypes
import json
import mmap
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

PROGRAM = os.environ.get("INTERRUPTSYNCD", ".build/release/interruptsyncd")
# Long enough for a loaded machine; nothing waits so long on purpose.
PATIENCE = 60
NOBODY = 65534
RANDOM_TURNS = 10 if os.environ.get("SOAK") else 1

libc = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438


def eventually(what, condition, patience=PATIENCE):
    """The value of `condition`, once it is true."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"did not come within {patience} s: {what}"
        time.sleep(0.01)


def lingering(seconds):
    """A socket whose last close waits so many seconds, and its peer, which does not read."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.setblocking(False)
    try:
        while True:
            client.send(b"x" * 65536)
    except BlockingIOError:
        pass
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
    return client, peer


@contextlib.contextmanager
def compiled_driver(source):
    """The path of a hosted driver. Every folder above it belongs to root, or the daemon would not load it."""
    folder = tempfile.mkdtemp(prefix="driver-", dir="/var/lib")
    try:
        os.chmod(folder, 0o755)
        with open(folder + "/driver.c", "w") as file:
            file.write(source)
        compiler = next(filter(None, map(shutil.which, ["gcc", "clang", "cc"])))
        subprocess.run([compiler, "-shared", "-fPIC", "-ISources/CInterruptSync/include", folder + "/driver.c", "-o",
                        folder + "/driver.so"], check=True)
        os.chmod(folder + "/driver.so", 0o755)
        yield folder + "/driver.so"
    finally:
        shutil.rmtree(folder)


def as_user(user, group, body, groups=()):
    """Runs `body` in a process of that user. If it raises an exception, this function fails with its text."""
    assert os.getuid() == 0, "calls of other users are made as root: run the tests as root"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.setgroups(groups)
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            body()
        except BaseException as error:
            os.write(writing, repr(error).encode() or b"?")
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    assert not said, said


def refused(name, body, *arguments, **parameters):
    """Fails unless the daemon answers the call with this error. Returns the error."""
    try:
        answer = body(*arguments, **parameters)
    except Exception as error:
        got = getattr(error, "name", None) or (error.error() if hasattr(error, "error") else None)
        if callable(got):
            got = got()
        assert got == name, f"{error!r} instead of {name}"
        return error
    raise AssertionError(f"{answer} instead of {name}")


class Refused(Exception):
    """An error reply."""

    def __init__(self, reply):
        super().__init__(json.dumps(reply))
        self.name = reply["error"]
        self.parameters = reply.get("parameters", {})


class Closed(Exception):
    """The daemon has closed the connection."""


class Wire:
    """A connection, in bytes."""

    def __init__(self, path, timeout=PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        # With a timeout it would not wait for room in the listener's queue.
        self.socket.connect(path)
        self.socket.settimeout(timeout)
        self.buffer = b""
        self.files = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for file in self.files:
            os.close(file)
        self.files = []
        self.socket.close()

    def send(self, data, files=()):
        """All of it, with descriptors, or `Closed`."""
        try:
            if files:
                data = data[socket.send_fds(self.socket, [data], files):]
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def receive(self):
        """One message, without its zero."""
        while b"\0" not in self.buffer:
            try:
                data, control, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
            except ConnectionResetError:
                raise Closed from None
            for level, kind, content in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    files = array.array("i")
                    files.frombytes(content)
                    self.files += files
            if not data:
                raise Closed
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def post(self, method, parameters=None, files=(), **flags):
        """Sends a call, with descriptors."""
        name = method if "." in method else "io.interruptsync." + method
        self.send(json.dumps({"method": name, "parameters": parameters or {}, **flags}).encode() + b"\0", files)

    def answer(self):
        """The parameters of the next reply, or `Refused`."""
        reply = self.receive()
        if "error" in reply:
            raise Refused(reply)
        return reply.get("parameters", {})

    def call(self, method, **parameters):
        self.post(method, parameters)
        return self.answer()

    def ends(self):
        """Whether the daemon closes the connection and says nothing more."""
        try:
            self.receive()
        except Closed:
            return True
        return False


class Ring:
    """The reading end of interruptsync-ring(7)."""

    MAGIC = 0x676E697270757274
    # Where the reader's part of the page is, and where the records begin.
    WRITTEN, DROPPED, READ, ASLEEP, RECORDS = 64, 72, 128, 136, 4096

    def __init__(self, wire, device, capacity=1024):
        have = len(wire.files)
        reply = wire.call("Subscribe", device=device, capacity=capacity)
        memory, self.event = wire.files[have + reply["ring"]], wire.files[have + reply["event"]]
        self.page = mmap.mmap(memory, os.fstat(memory).st_size)
        magic, version, self.size, self.capacity = struct.unpack_from("QIIQ", self.page)
        assert (magic, version, self.capacity) == (self.MAGIC, 1, capacity), (magic, version, self.capacity)
        self.read = 0
        # struct writes zeroes first, which the writer may see; these are one store each.
        self.shown = ctypes.c_uint64.from_buffer(self.page, self.READ)
        self.asleep = ctypes.c_uint32.from_buffer(self.page, self.ASLEEP)
        self.fence = threading.Lock()

    def word(self, place):
        return struct.unpack_from("Q", self.page, place)[0]

    def take(self):
        """(count, total, time in ns) of the records that wait."""
        records = []
        written = self.word(self.WRITTEN)
        while self.read < written:
            place = self.RECORDS + (self.read & (self.capacity - 1)) * self.size
            records.append(struct.unpack_from("QQQ", self.page, place))
            self.read += 1
        self.shown.value = self.read
        return records

    def wait(self):
        """The records, as soon as there are any."""
        while True:
            records = self.take()
            if records:
                return records
            self.asleep.value = 1
            # The writer must see the flag before the second look: the lock's atomic operations are the barrier.
            with self.fence:
                pass
            if self.word(self.WRITTEN) == self.read:
                ready, _, _ = select.select([self.event], [], [], PATIENCE)
                assert ready, f"no interrupt within {PATIENCE} s"
                os.read(self.event, 8)
            self.asleep.value = 0


class Ended(AssertionError):
    """The daemon ended before it listened."""

    def __init__(self, daemon):
        super().__init__(f"the daemon ended with {daemon.process.returncode}:\n{daemon.log}")
        self.daemon = daemon


class Daemon:
    """The daemon with a configuration and a socket of its own."""

    def __init__(self, lines=("soft",), settings="", device="", output=None):
        self.folder = tempfile.mkdtemp(prefix="daemon-")
        os.chmod(self.folder, 0o755)
        self.devices = self.folder + "/etc/interruptsync/devices"
        os.makedirs(self.devices)
        self.write("devices/10-soft.device", f"[Match]\nSoftwareLine={' '.join(lines)}\n{device}")
        if settings:
            self.write("interruptsyncd.conf", f"[Daemon]\n{settings.format(folder=self.folder)}\n")
        self.path = self.folder + "/socket"
        self.log_path = self.folder + "/log"
        with open(self.log_path, "w") as log:
            self.process = self.launch(output or log)
        eventually("the daemon listens", self.listens)

    def launch(self, output):
        return subprocess.Popen([PROGRAM, "--config-root", self.folder, "--listen", self.path], stdout=output,
                                stderr=output)

    def listens(self):
        if self.process.poll() is not None:
            raise Ended(self)
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.path) == 0

    def write(self, name, text):
        with open(f"{self.folder}/etc/interruptsync/{name}", "w") as file:
            file.write(text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("the daemon said:\n" + self.log[-4000:])
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "no end after SIGTERM"
        shutil.rmtree(self.folder)
        assert status == 0 or kind is not None, f"the daemon ended with {status}"

    @property
    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def wire(self, timeout=PATIENCE):
        return Wire(self.path, timeout)

    def let_every_user_connect(self):
        os.chmod(self.path, 0o666)

    def memory(self, field="VmRSS"):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise KeyError(field)

    def descriptors(self):
        return os.listdir(f"/proc/{self.process.pid}/fd")

    def interrupts(self, wire, device="soft"):
        return wire.call("GetStatistics", device=device)["statistics"][0]["interrupts"]

    def still_dispatches(self, device="soft"):
        """Fails unless a new client's trigger reaches a routine."""
        with self.wire() as wire:
            before = self.interrupts(wire, device)
            wire.call("Trigger", device=device, count=3)
            eventually("three interrupts", lambda: self.interrupts(wire, device) == before + 3)

    def line(self, device):
        """The eventfd of a software line. A write raises interrupts as hardware does, without the control thread.

        It is the eventfd that keeps triggers while no dispatcher serves the line.
        """
        return self.eventfds([device])[device]

    def eventfds(self, devices):
        """Those of several lines, by name. Each line is told by what it was triggered with."""
        mark = 0x5EED0
        wanted = {mark + number: device for number, device in enumerate(devices)}
        found = {}
        handle = os.pidfd_open(self.process.pid)
        with self.wire() as wire:
            for count, device in wanted.items():
                wire.call("Disconnect", device=device)
                wire.call("Trigger", device=device, count=count)
            for name in self.descriptors():
                try:
                    with open(f"/proc/{self.process.pid}/fdinfo/{name}") as file:
                        info = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
                except FileNotFoundError:
                    continue
                device = wanted.get(int(info.get("eventfd-count", "0"), 16))
                if device:
                    line = libc.syscall(PIDFD_GETFD, handle, int(name), 0)
                    assert line >= 0, "pidfd_getfd: " + os.strerror(ctypes.get_errno())
                    found[device] = line
            missing = set(devices) - set(found)
            assert not missing, f"no eventfd holds what these were triggered with: {missing}"
            for count, device in wanted.items():
                before = self.interrupts(wire, device)
                wire.call("Connect", device=device, persistent=True)
                eventually("what was kept", lambda: self.interrupts(wire, device) == before + count)
        os.close(handle)
        return found
