"""A service manager for one daemon, as far as the daemon can tell: it gets the notifications, keeps descriptors over
restarts and crashes, and passes them to the next process. `ManagedDaemon` is a daemon that it starts again and again.

sd_notify(3), sd_listen_fds(3) and sd_watchdog_enabled(3) have the protocol. A thread of its own reads the messages.
"""
import array
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from daemon import PATIENCE, PROGRAM, Daemon, Ended, eventually

# Passed descriptors are put in their places, counted from 3, by a program between the manager and the daemon.
LAUNCHER = """
import os, sys
files = [int(file) for file in sys.argv[1].split(",") if file]
for place, file in enumerate(files):
    os.dup2(file, 3 + place)
os.environ["LISTEN_PID"] = os.environ["WATCHDOG_PID"] = str(os.getpid())
os.environ["LD_PRELOAD"] = sys.argv[2]
os.execv(sys.argv[3], sys.argv[3:])
"""
# Above every place that a passed descriptor is put in.
FIRST_KEPT = 128
WATCHDOG = 30


class Manager:
    def __init__(self, folder):
        self.path = folder + "/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        # (name, descriptor) in the order they came.
        self.kept = []
        self.lock = threading.Lock()
        self.is_ready = False
        self.fed, self.longest_hunger = None, 0.0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            data, control, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64 * 4))
            files = array.array("i")
            for level, kind, content in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    files.frombytes(content)
            if not data:
                return
            fields = dict(line.split("=", 1) for line in data.decode().splitlines())
            with self.lock:
                self.heard(fields, files)

    def heard(self, fields, files):
        if fields.get("FDSTOREREMOVE") == "1":
            for name, file in self.kept:
                if name == fields["FDNAME"]:
                    os.close(file)
            self.kept = [(name, file) for name, file in self.kept if name != fields["FDNAME"]]
        for file in files:
            if fields.get("FDSTORE") == "1":
                self.kept.append((fields["FDNAME"], fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, FIRST_KEPT)))
            os.close(file)
        if fields.get("READY") == "1":
            self.is_ready = True
        if fields.get("WATCHDOG") == "1":
            now = time.monotonic()
            self.longest_hunger = max(self.longest_hunger, now - (self.fed or now))
            self.fed = now

    def start(self, command, output, meter):
        """The process, with what is kept, and with a meter: its library, and its end of the socket."""
        library, wire = meter
        wire = fcntl.fcntl(wire, fcntl.F_DUPFD_CLOEXEC, FIRST_KEPT)
        with self.lock:
            self.is_ready, self.fed = False, time.monotonic()
            names, files = [name for name, _ in self.kept], [file for _, file in self.kept]
            environment = {**os.environ, "NOTIFY_SOCKET": self.path, "LISTEN_FDS": str(len(files)),
                           "LISTEN_FDNAMES": ":".join(names), "WATCHDOG_USEC": str(WATCHDOG * 1_000_000),
                           "SOAK_METER": str(wire)}
            launcher = [sys.executable, "-c", LAUNCHER, ",".join(map(str, files)), library, *command]
            process = subprocess.Popen(launcher, stdout=output, stderr=output, env=environment,
                                       pass_fds=[*files, wire])
        os.close(wire)
        return process

    def names(self):
        with self.lock:
            return sorted(name for name, _ in self.kept)

    def end(self):
        # Ends the wait for a message with an empty one.
        self.socket.shutdown(socket.SHUT_RD)
        self.thread.join()
        for _, file in self.kept:
            os.close(file)
        self.kept = []
        self.socket.close()


class ManagedDaemon(Daemon):
    """The daemon under such a manager. `files` are the texts of its device files, by name."""

    def __init__(self, files, settings=""):
        self.files = files
        self.manager = None
        super().__init__(settings=settings)

    def launch(self, output):
        if self.manager is None:
            self.manager = Manager(self.folder)
            self.library = self.compiled_meter()
            os.unlink(self.devices + "/10-soft.device")
            for name, text in self.files.items():
                self.write(f"devices/{name}", text)
        self.meter, theirs = socket.socketpair()
        self.meter.settimeout(PATIENCE)
        command = [os.path.abspath(PROGRAM), "--json", "--config-root", self.folder, "--listen", self.path]
        # Appended to, so that it can be cut.
        with open(self.log_path, "a") as log, theirs:
            return self.manager.start(command, log, (self.library, theirs.fileno()))

    def compiled_meter(self):
        source, library = pathlib.Path(__file__).with_name("meter.c"), self.folder + "/meter.so"
        compiler = next(filter(None, map(shutil.which, ["gcc", "clang", "cc"])))
        subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", source, "-o", library], check=True)
        return library

    def in_use(self):
        """Bytes of malloc(3). Free memory goes back to the kernel first."""
        self.meter.send(b"?")
        return struct.unpack("Q", self.meter.recv(8))[0]

    def cut_log(self):
        os.truncate(self.log_path, 0)

    def listens(self):
        """Also once it has said so."""
        if self.process.poll() is not None:
            raise Ended(self)
        return self.manager.is_ready and super().listens()

    def stop(self, with_signal):
        """Ends the process, and returns what it said last: once with SIGTERM it has printed its totals."""
        self.process.send_signal(with_signal)
        status = self.process.wait(PATIENCE)
        expected = 0 if with_signal == signal.SIGTERM else -with_signal
        assert status == expected, f"the daemon ended with {status}:\n{self.log[-4000:]}"
        return self.log

    def again(self):
        """Starts it again, with what the manager keeps."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.cut_log()
        self.meter.close()
        self.process = self.launch(None)
        eventually("the daemon listens", self.listens)

    def __exit__(self, kind, *rest):
        try:
            if self.process.poll() is None:
                super().__exit__(kind, *rest)
            else:
                shutil.rmtree(self.folder)
        finally:
            self.meter.close()
            self.manager.end()
